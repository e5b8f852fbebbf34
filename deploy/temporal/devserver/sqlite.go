package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.temporal.io/server/common/config"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
)

// sqlitePersistence makes the file when it is missing and describes it. One shard is all that one writer can serve.
func sqlitePersistence(path string) (config.Persistence, error) {
	if err := ensureSchema(path); err != nil {
		return config.Persistence{}, err
	}
	return config.Persistence{
		DefaultStore:     sqliteplugin.PluginName,
		VisibilityStore:  sqliteplugin.PluginName,
		NumHistoryShards: 1,
		DataStores:       map[string]config.DataStore{sqliteplugin.PluginName: {SQL: sqlStore(path)}},
	}, nil
}

// sqlStore describes the SQLite file. Synchronous NORMAL with a write-ahead log loses nothing when the process dies;
// only a power cut may lose the last transactions.
func sqlStore(path string) *config.SQL {
	return &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: path,
		ConnectAttributes: map[string]string{
			"mode":         "rwc",
			"journal_mode": "wal",
			"synchronous":  "normal",
			"busy_timeout": "5000",
		},
	}
}

// ensureSchema makes the tables in a temporary file that then takes the database's name, so a kill half-way leaves no
// database with half a schema.
func ensureSchema(path string) error {
	_, err := os.Stat(path)
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for database %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the folder of database %s: %w", path, err)
	}
	fresh := path + ".new"
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(fresh + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the rest of an interrupted start: %w", err)
		}
	}
	store := sqlStore(fresh)
	// The set-up connection stays open in the driver's pool; a rollback journal keeps all of the schema in the one file
	// that is renamed.
	store.ConnectAttributes["journal_mode"] = "delete"
	if err := sqlite.SetupSchema(store); err != nil {
		return fmt.Errorf("make the schema in %s: %w", fresh, err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("move the new database to %s: %w", path, err)
	}
	return nil
}
