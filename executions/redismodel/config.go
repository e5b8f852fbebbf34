package redismodel

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/gennaker/gennaker/internal/secret"
)

// EmbeddedAddress as [Config.Address] runs a Redis inside the process.
const EmbeddedAddress = "embedded"

// Config says where Redis is and how much is kept there. The tags make it a
// group of command line flags and environment variables. A zero duration or
// count is its default.
type Config struct {
	// Address is host:port, or [EmbeddedAddress].
	Address  string `help:"Address of Redis, host:port; 'embedded' runs one inside this process." default:"embedded" placeholder:"HOST:PORT"`
	Username string `help:"User of Redis, when it has users."`
	// Password is a reference to a secret, see [secret.Resolve].
	Password string `help:"Reference to the password of Redis (file:/path or env:NAME)." placeholder:"REF"`
	DB       int    `help:"Number of the Redis database." default:"0" name:"db"`
	TLS      bool   `help:"Use TLS." name:"tls"`
	// Timeout bounds every exchange with Redis; a Redis that takes longer
	// counts as away.
	Timeout time.Duration `help:"Longest wait for Redis before it counts as away." default:"500ms"`
	// Retention is how long a finished execution stays after its end, the
	// newest few of each pipeline excepted; the archive has it for good.
	Retention time.Duration `help:"How long finished executions stay in Redis; the archive keeps them for good." default:"720h"`
	// KeepPerPipeline is how many finished executions of one pipeline stay.
	KeepPerPipeline int `help:"How many executions of one pipeline stay in Redis." default:"200"`
	// Hook sees every call, to count them; nil is none.
	Hook redis.Hook `kong:"-" json:"-"`
}

// Defaults of [Config].
const (
	defaultTimeout   = 500 * time.Millisecond
	defaultRetention = 30 * 24 * time.Hour
	defaultKeep      = 200
)

// Open returns the model of the Redis that c names. It does not wait for that
// Redis: while it is away every call returns unavailable at once.
//
// It fails when the configuration is wrong or the embedded Redis cannot start.
// [Model.Close] ends it.
func Open(ctx context.Context, c Config, logger *slog.Logger) (*Model, error) {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Retention <= 0 {
		c.Retention = defaultRetention
	}
	if c.KeepPerPipeline <= 0 {
		c.KeepPerPipeline = defaultKeep
	}
	var embedded *Server
	if c.Address == EmbeddedAddress {
		var err error
		if embedded, err = Embedded("127.0.0.1:0"); err != nil {
			return nil, err
		}
		c.Address = embedded.Addr()
	}
	options, err := c.options(ctx)
	if err != nil {
		return nil, err
	}
	// The library would print each failed dial to standard error; the breaker
	// logs the one line that matters.
	logging.Disable()
	client := redis.NewClient(options)
	if c.Hook != nil {
		client.AddHook(c.Hook)
	}
	return open(client, embedded, c, logger), nil
}

func (c Config) options(ctx context.Context) (*redis.Options, error) {
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("address of Redis %q (write it as host:port, or 'embedded'): %w", c.Address, err)
	}
	password, err := secret.Resolve(ctx, c.Password)
	if err != nil {
		return nil, fmt.Errorf("password of Redis: %w", err)
	}
	options := &redis.Options{
		Addr: c.Address, Username: c.Username, Password: password, DB: c.DB,
		DialTimeout: c.Timeout / 2, ReadTimeout: c.Timeout, WriteTimeout: c.Timeout, PoolTimeout: c.Timeout,
		ContextTimeoutEnabled: true,
		// One more try finds a new connection in place of one that Redis
		// closed when it restarted.
		PoolSize:        64,
		MaxRetries:      1,
		MinRetryBackoff: -1,
		DialerRetries:   1,
		// Nothing that only some Redis versions understand.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if c.TLS {
		options.TLSConfig = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	return options, nil
}
