// Command kubernetes is a Kubernetes control plane in one binary: the part to run is its first argument.
//
//	kubernetes etcd|apiserver|controller-manager|scheduler|kwok [flags of that part]
//
// The parts are the real programs of k8s.io/kubernetes, etcd and kwok, each run as a process of its own. One binary
// links once what all of them share, which makes the first build shorter than five programs would. Only the containers
// are simulated: kwok plays the kubelet of every node.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // CronJob time zones on machines without a zone database

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics of all parts
	_ "k8s.io/component-base/metrics/prometheus/version"  // build_info metric of all parts
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const usage = "usage: kubernetes etcd|apiserver|controller-manager|scheduler|kwok [flags]\n"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	part := os.Args[1]
	os.Args = append([]string{"kube-" + part}, os.Args[2:]...)
	switch part {
	case "etcd":
		etcdmain.Main(os.Args)
	case "apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		os.Exit(runKwok())
	default:
		fmt.Fprintf(os.Stderr, "kubernetes: no part named %q\n%s", part, usage)
		os.Exit(2)
	}
}
