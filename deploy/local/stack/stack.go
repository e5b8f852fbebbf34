package stack

import (
	"path/filepath"
	"slices"
)

// TestKubeconfigVariable names a cluster that tests may use instead of starting one of their own.
const TestKubeconfigVariable = "GENNAKER_TEST_KUBECONFIG"

// Servers are the parts that Gennaker needs, in the order of their start; the cluster may exist already.
func Servers(cluster bool) []Part {
	parts := []Part{MinIO(), Temporal()}
	if cluster {
		parts = append(parts, Kubernetes()...)
	}
	return parts
}

// programs are all programs by name.
func programs() map[string]Program {
	all := map[string]Program{}
	for _, p := range []Program{MinIOProgram, TemporalProgram, KubernetesProgram, RedisProgram, PostgresProgram} {
		all[p.Name] = p
	}
	return all
}

// BuildTasks returns what must be built before parts can start, and records in env where each program is or will be.
func BuildTasks(env *Env, parts []Part) ([]Task, error) {
	var tasks []Task
	var seen []string
	logs := filepath.Join(env.Dir, "logs")
	for _, part := range parts {
		if slices.Contains(seen, part.Program) {
			continue
		}
		seen = append(seen, part.Program)
		if part.Program == gennakerProgram {
			env.Bin[gennakerProgram] = filepath.Join(env.Dir, "bin", gennakerProgram)
			tasks = append(tasks, gennakerTask(env, logs))
			continue
		}
		program := programs()[part.Program]
		path, err := program.Path(env.Root)
		if err != nil {
			return nil, err
		}
		env.Bin[part.Program] = path
		task, needed, err := program.BuildTask(env.Root, logs)
		if err != nil {
			return nil, err
		}
		if needed {
			tasks = append(tasks, task)
		}
	}
	return tasks, nil
}
