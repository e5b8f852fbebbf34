package stack

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
	"strconv"
)

// Kubernetes is the control plane: the real etcd, API server, controllers and scheduler, and kwok in the place of the
// kubelets. Order matters: each part needs the ones before it.
func Kubernetes() []Part {
	return []Part{etcd(), apiServer(), controllerManager(), scheduler(), kwok()}
}

// KubernetesPorts are the names of the ports that [Kubernetes] listens on.
func KubernetesPorts() []string {
	return []string{PortKubernetes, portEtcd, portEtcdPeer, portControllerManager, portScheduler, portKwok}
}

func etcd() Part {
	return Part{
		Name:    "etcd",
		Program: KubernetesProgram.Name,
		Title:   "Kubernetes store",
		Ports:   []string{portEtcd, portEtcdPeer},
		Prepare: func(e *Env) error { return e.pki().ensure() },
		Args: func(e *Env) ([]string, error) {
			data, err := e.Data("etcd")
			if err != nil {
				return nil, err
			}
			client, peer := "https://"+e.Address(portEtcd), "http://"+e.Address(portEtcdPeer)
			args := []string{"etcd", "--name=local", "--data-dir=" + filepath.Join(data, "db"), "--log-level=warn",
				"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
				"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=local=" + peer,
				"--cert-file=" + e.pki().path("server.crt"), "--key-file=" + e.pki().path("server.key"),
				"--trusted-ca-file=" + e.pki().path("ca.crt"), "--client-cert-auth",
				"--auto-compaction-mode=periodic", "--auto-compaction-retention=30m", "--quota-backend-bytes=2147483648",
			}
			if e.Test {
				args = append(args, "--unsafe-no-fsync")
			}
			return args, nil
		},
		Ready: func(ctx context.Context, e *Env) error {
			config, err := e.pki().client()
			if err != nil {
				return err
			}
			return answers200(ctx, "https://"+e.Address(portEtcd)+"/readyz", config)
		},
	}
}

func apiServer() Part {
	return Part{
		Name:    "kube-apiserver",
		Program: KubernetesProgram.Name,
		Title:   "Kubernetes API server",
		Ports:   []string{PortKubernetes},
		Prepare: func(e *Env) error {
			if err := e.pki().ensure(); err != nil {
				return err
			}
			return e.writeKubeconfig()
		},
		Args: func(e *Env) ([]string, error) {
			data, err := e.Data("kube-apiserver")
			if err != nil {
				return nil, err
			}
			p := e.pki()
			return []string{"apiserver", "--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(e.Ports[PortKubernetes]),
				"--cert-dir=" + data, "--tls-cert-file=" + p.path("server.crt"), "--tls-private-key-file=" + p.path("server.key"),
				"--client-ca-file=" + p.path("ca.crt"), "--authorization-mode=RBAC", "--anonymous-auth=false",
				"--etcd-servers=https://" + e.Address(portEtcd), "--etcd-cafile=" + p.path("ca.crt"),
				"--etcd-certfile=" + p.path("server.crt"), "--etcd-keyfile=" + p.path("server.key"),
				"--kubelet-preferred-address-types=InternalIP", "--kubelet-client-certificate=" + p.path("admin.crt"), "--kubelet-client-key=" + p.path("admin.key"),
				"--service-account-issuer=https://kubernetes.default.svc",
				"--service-account-key-file=" + p.path("service-accounts.key"),
				"--service-account-signing-key-file=" + p.path("service-accounts.key"),
				"--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
				// The service "kubernetes" cannot point at a loopback address, and no pod runs that could use it.
				"--endpoint-reconciler-type=none", "--profiling=false",
			}, nil
		},
		Ready: func(ctx context.Context, e *Env) error {
			config, err := e.pki().client()
			if err != nil {
				return err
			}
			return answers200(ctx, "https://"+e.Address(PortKubernetes)+"/readyz", config)
		},
		URLs: func(e *Env) []URL {
			return []URL{{"Kubernetes API", fmt.Sprintf("https://localhost:%d", e.Ports[PortKubernetes])}}
		},
	}
}

func controllerManager() Part {
	return Part{
		Name:    "kube-controller-manager",
		Program: KubernetesProgram.Name,
		Title:   "Kubernetes controllers",
		Ports:   []string{portControllerManager},
		Args: func(e *Env) ([]string, error) {
			p := e.pki()
			return []string{"controller-manager", "--kubeconfig=" + e.LocalKubeconfig(), "--leader-elect=false",
				"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(e.Ports[portControllerManager]),
				"--tls-cert-file=" + p.path("server.crt"), "--tls-private-key-file=" + p.path("server.key"),
				"--service-account-private-key-file=" + p.path("service-accounts.key"), "--root-ca-file=" + p.path("ca.crt"),
				"--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false",
			}, nil
		},
		Ready: healthz(portControllerManager),
		// A pod is refused in a namespace whose service account the controllers have not made yet.
		After: func(ctx context.Context, e *Env) error {
			return e.kubernetesGet(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
		},
	}
}

func scheduler() Part {
	return Part{
		Name:    "kube-scheduler",
		Program: KubernetesProgram.Name,
		Title:   "Kubernetes scheduler",
		Ports:   []string{portScheduler},
		Args: func(e *Env) ([]string, error) {
			p := e.pki()
			return []string{"scheduler", "--kubeconfig=" + e.LocalKubeconfig(), "--leader-elect=false",
				"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(e.Ports[portScheduler]),
				"--tls-cert-file=" + p.path("server.crt"), "--tls-private-key-file=" + p.path("server.key"),
				"--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false",
			}, nil
		},
		Ready: healthz(portScheduler),
	}
}

// kwokConfig is kwok's configuration: how its nodes and pods live. POD_LOG stands for the path of [podLog].
//
//go:embed kwok.yaml
var kwokConfig []byte

// podLog is what every simulated container has logged, in the format of the container runtime interface. The property
// lines are the ones by which a Spinnaker job hands values to its pipeline.
const podLog = `2026-01-01T00:00:00.000000000Z stdout F simulated container started
2026-01-01T00:00:00.100000000Z stdout F SPINNAKER_PROPERTY_SIMULATED=true
2026-01-01T00:00:00.200000000Z stdout F SPINNAKER_CONFIG_JSON={"result":{"simulated":true}}
2026-01-01T00:00:00.300000000Z stdout F simulated container done
`

func kwok() Part {
	return Part{
		Name:    "kwok",
		Program: KubernetesProgram.Name,
		Title:   "Kubernetes nodes, simulated",
		Ports:   []string{portKwok},
		Prepare: func(e *Env) error {
			log := filepath.Join(filepath.Dir(e.kwokConfigPath()), "pod.log")
			if err := writeFile(log, []byte(podLog)); err != nil {
				return err
			}
			if err := writeFile(e.kwokConfigPath(), bytes.ReplaceAll(kwokConfig, []byte("POD_LOG"), []byte(log))); err != nil {
				return err
			}
			return e.freeNodes()
		},
		Args: func(e *Env) ([]string, error) {
			return []string{"kwok", "--kubeconfig=" + e.LocalKubeconfig(), "--config=" + e.kwokConfigPath(),
				"--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake", "--cidr=10.244.0.0/16", "--node-ip=127.0.0.1",
				"--server-address=" + e.Address(portKwok), "--node-port=" + strconv.Itoa(e.Ports[portKwok]),
				"--tls-cert-file=" + e.pki().path("server.crt"), "--tls-private-key-file=" + e.pki().path("server.key"),
				"--node-lease-duration-seconds=40", "--v=WARN",
			}, nil
		},
		Ready: func(ctx context.Context, e *Env) error {
			return answers200(ctx, "http://"+e.Address(portKwok)+"/readyz", nil)
		},
		After: func(ctx context.Context, e *Env) error { return e.makeNodes(ctx) },
	}
}

func (e *Env) kwokConfigPath() string { return filepath.Join(e.Dir, "kubernetes", "kwok.yaml") }

// healthz probes a part that serves its health by the cluster's certificates.
func healthz(port string) func(context.Context, *Env) error {
	return func(ctx context.Context, e *Env) error {
		config, err := e.pki().client()
		if err != nil {
			return err
		}
		return answers200(ctx, "https://"+e.Address(port)+"/healthz", config)
	}
}
