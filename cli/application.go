package cli

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/cli/client"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/pipeline"
)

// applicationCommand are the commands on applications.
type applicationCommand struct {
	Flags
	List      applicationListCommand      `cmd:"" aliases:"ls" help:"List the applications."`
	Get       applicationGetCommand       `cmd:"" help:"Show one application."`
	Save      applicationSaveCommand      `cmd:"" help:"Create an application, or change the given attributes of one."`
	Delete    applicationDeleteCommand    `cmd:"" aliases:"del" help:"Delete an application and its pipelines."`
	Pipelines applicationPipelinesCommand `cmd:"" aliases:"pipes" help:"Look at an application's executions and cancel them."`
}

type applicationListCommand struct {
	Account string `help:"Only applications with this account." placeholder:"ACCOUNT"`
	Owner   string `help:"Only applications of this owner's email." placeholder:"EMAIL"`
}

// Run implements the command.
func (c *applicationListCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	query := url.Values{}
	set(query, "account", c.Account)
	set(query, "owner", c.Owner)
	all, err := gate.List(p.Ctx, "/applications", query)
	if err != nil {
		return err
	}
	return p.answer(all, func() error {
		t := render.Table{Head: []string{"NAME", "EMAIL", "PROVIDERS", "ACCOUNTS", "UPDATED", "DESCRIPTION"}}
		for _, a := range all {
			t.Add(a.String("name"), a.String("email"), joined(a, "cloudProviders"), render.Cut(joined(a, "accounts"), 40), moment(a, "updateTs"), render.Cut(a.String("description"), 60))
		}
		return p.table(&t, "There are no applications that you may see.")
	})
}

// set sets a query parameter unless it is empty.
func set(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

// joined returns a list, or a text of parts between commas, on one line.
func joined(m pipeline.Map, key string) string {
	return strings.Join(m.Strings(key), ",")
}

// moment returns a time that is milliseconds, a number or as text.
func moment(m pipeline.Map, key string) string {
	at, _ := m.Int(key)
	return render.Time(pipeline.Millis(at))
}

type applicationGetCommand struct {
	Name   string `arg:"" help:"Name of the application."`
	Expand bool   `short:"x" help:"Show its clusters too."`
}

// Run implements the command.
func (c *applicationGetCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	app, err := gate.Get(p.Ctx, client.Path("applications", c.Name), url.Values{"expand": {strconv.FormatBool(c.Expand)}})
	if err != nil {
		return err
	}
	if !c.Expand {
		app = app.Map("attributes") // as spin shows it
	}
	return p.answer(app, func() error {
		a := app
		if c.Expand {
			a = app.Map("attributes")
		}
		var f render.Fields
		f.Add("name", a.String("name"))
		f.Add("email", a.String("email"))
		f.Add("description", a.String("description"))
		f.Add("providers", joined(a, "cloudProviders"))
		f.Add("accounts", joined(a, "accounts"))
		if _, known := a.Int("createTs"); known {
			f.Add("created", moment(a, "createTs"))
		}
		if _, known := a.Int("updateTs"); known {
			f.Add("updated", strings.TrimSuffix(moment(a, "updateTs")+" by "+a.String("lastModifiedBy"), " by "))
		}
		for _, access := range []string{"READ", "WRITE", "EXECUTE", "CREATE"} {
			f.Add(access, joined(a.Map("permissions"), access))
		}
		for _, account := range sortedKeys(app.Map("clusters")) {
			for _, cluster := range app.Map("clusters").List(account) {
				f.Add("cluster", account+": "+pipeline.AsMap(cluster).String("name"))
			}
		}
		return f.Write(p.Stdout, p.style())
	})
}

type applicationSaveCommand struct {
	Name           string   `arg:"" optional:"" help:"Name of the application; a file may hold it."`
	NameFlag       string   `name:"application-name" short:"a" aliases:"application" hidden:"" help:"The same as NAME."`
	File           string   `short:"f" help:"File with the application's attributes, JSON or YAML. '-' is standard input." placeholder:"FILE"`
	OwnerEmail     string   `name:"owner-email" aliases:"email" help:"Email of the owner." placeholder:"EMAIL"`
	CloudProviders []string `name:"cloud-providers" help:"Providers that the application uses." placeholder:"PROVIDER,..."`
}

// Run implements the command.
func (c *applicationSaveCommand) Run(p *Process) error {
	app := pipeline.Map{}
	if c.File != "" {
		var err error
		if app, err = p.readFile(c.File, "the application"); err != nil {
			return err
		}
		if attributes := app.Map("attributes"); attributes != nil && app.String("email") == "" {
			app = attributes // as `application get --expand` writes it
		}
	}
	if name := either(c.Name, c.NameFlag); name != "" {
		app["name"] = name
	}
	if c.OwnerEmail != "" {
		app["email"] = c.OwnerEmail
	}
	if len(c.CloudProviders) > 0 {
		app["cloudProviders"] = strings.Join(c.CloudProviders, ",")
	}
	if c.File == "" {
		app["instancePort"] = int64(80)
	}
	if app.String("name") == "" {
		return usagef("name the application: gennaker application save NAME --owner-email EMAIL, or give a file with -f")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	if app.String("email") == "" {
		// An existing application has one.
		if _, err := gate.Get(p.Ctx, client.Path("applications", app.String("name")), url.Values{"expand": {"false"}}); client.IsNotFound(err) {
			return usagef("a new application needs the email of its owner: --owner-email EMAIL")
		} else if err != nil {
			return err
		}
	}
	name := app.String("name")
	if err := gate.Run(p.Ctx, name, "Create Application: "+name, pipeline.Map{"type": "createApplication", "application": map[string]any(app)}); err != nil {
		return err
	}
	p.say("Application %s is saved.", render.Line(name))
	return nil
}

type applicationDeleteCommand struct {
	Name string `arg:"" help:"Name of the application."`
}

// Run implements the command.
func (c *applicationDeleteCommand) Run(p *Process) error {
	gate, err := p.gate()
	if err != nil {
		return err
	}
	if _, err := gate.Get(p.Ctx, client.Path("applications", c.Name), url.Values{"expand": {"false"}}); err != nil {
		return err
	}
	err = gate.Run(p.Ctx, c.Name, "Delete Application: "+c.Name, pipeline.Map{"type": "deleteApplication", "application": map[string]any{"name": c.Name}})
	if err != nil {
		return err
	}
	p.say("Application %s is deleted.", render.Line(c.Name))
	return nil
}

// applicationPipelinesCommand are spin's commands on an application's executions.
type applicationPipelinesCommand struct {
	Get       applicationExecutionsCommand `cmd:"" help:"List an application's executions."`
	Cancel    executionCancelCommand       `cmd:"" help:"Cancel an execution."`
	CancelAll applicationCancelAllCommand  `cmd:"" name:"cancel-all" help:"Cancel an application's executions that have not ended."`
}

// executionsOf names an application and a status.
type executionsOf struct {
	Application string `arg:"" optional:"" help:"The application."`
	AppFlag     string `name:"application-name" short:"a" aliases:"application" hidden:"" help:"The same as APPLICATION."`
	Status      string `short:"s" help:"Only executions with this status, or one of these with commas between." placeholder:"STATUS"`
}

type applicationExecutionsCommand struct {
	executionsOf
	Expand bool `short:"x" help:"With all of their stages' values, for -o json."`
	Limit  int  `short:"l" default:"10" help:"At most so many of each pipeline."`
}

// Run implements the command.
func (c *applicationExecutionsCommand) Run(p *Process) error {
	return (&executionListCommand{Application: either(c.Application, c.AppFlag), Status: c.Status, Expand: c.Expand, Limit: c.Limit}).Run(p)
}

type applicationCancelAllCommand struct {
	executionsOf
	Reason string `short:"r" help:"Why; it is shown with the executions." placeholder:"TEXT"`
}

// Run implements the command. It goes on over failures.
func (c *applicationCancelAllCommand) Run(p *Process) error {
	app := either(c.Application, c.AppFlag)
	if app == "" {
		return usagef("name the application")
	}
	gate, err := p.gate()
	if err != nil {
		return err
	}
	status := c.Status
	if status == "" {
		status = unfinished
	}
	all, err := gate.List(p.Ctx, client.Path("applications", app, "pipelines"), url.Values{"statuses": {strings.ToUpper(status)}, "expand": {"false"}, "limit": {"1000"}})
	if err != nil {
		return err
	}
	var faults []error
	cancelled := 0
	for _, e := range all {
		if pipeline.Status(e.String("status")).Complete() {
			continue
		}
		query := url.Values{}
		set(query, "reason", c.Reason)
		if _, err := gate.Do(p.Ctx, http.MethodPut, client.Path("pipelines", e.String("id"), "cancel"), query, nil); err != nil {
			faults = append(faults, errors.New(e.String("id")+": "+err.Error()))
			continue
		}
		cancelled++
	}
	p.say("%d executions are cancelled.", cancelled)
	return errors.Join(faults...)
}

// unfinished are the statuses of executions that have not ended.
const unfinished = "RUNNING,SUSPENDED,PAUSED,NOT_STARTED,BUFFERED"
