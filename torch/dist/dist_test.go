package dist

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hymenoptera/internal/mt19937"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// The test binary also runs as each process of a test. Then this variable names what it does.
const part = "HYMENOPTERA_DIST_PART"

func TestMain(m *testing.M) {
	f, ok := parts[os.Getenv(part)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := play(f); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func play(f func(s *torch.Scope, g *Group) error) error {
	env, err := FromEnv()
	if err != nil {
		return err
	}
	env.Timeout = 5 * time.Second
	g, err := Init(context.Background(), env)
	if err != nil {
		return err
	}
	defer g.Close()
	return torch.Do(context.Background(), func(s *torch.Scope) error { return f(s, g) })
}

var parts = map[string]func(s *torch.Scope, g *Group) error{
	"collectives": func(s *torch.Scope, g *Group) error {
		rank := float32(g.Rank())
		x := torch.FromFloat32s(s, []float32{rank, 10 * rank}, 2)
		g.AllReduce(x)
		fmt.Println("sum", torch.Float32s(s, x))
		numbers := []float64{1.5, float64(g.Rank())}
		g.Sum(numbers)
		fmt.Println("numbers", numbers)
		a, b := torch.FromFloat32s(s, []float32{rank + 1}, 1), torch.FromInt64s(s, []int64{int64(g.Rank()) + 7}, 1)
		g.Broadcast([]*torch.Tensor{a, b})
		fmt.Println("broadcast", torch.Float32s(s, a), torch.Int64View(b))
		var shared []byte
		if g.Rank() == 0 {
			shared = []byte("from rank 0")
		}
		fmt.Printf("share %s %q\n", g.Share(shared), g.Share(nil))
		fmt.Printf("gather %q\n", g.Gather([]byte(strings.Repeat("x", g.Rank()))))
		return nil
	},
	// Without GPUs UseNCCL fails in every process with the reason, and other operations still work.
	"nccl": func(s *torch.Scope, g *Group) error {
		fmt.Println(g.UseNCCL())
		g.Barrier()
		return nil
	},
	// The mean over two batches of the gradients of (w·x)², for two steps: the second has buckets of its own.
	"gradients": func(s *torch.Scope, g *Group) error {
		w := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{1, 2}, 1, 2), true)
		x := torch.FromFloat32s(s, []float32{1, float32(g.Rank())}, 2, 1)
		g.Train([]*torch.Tensor{w}, nil)
		for range 2 {
			torch.ClearGrads([]*torch.Tensor{w})
			y := torch.Matmul(s, w, x)
			g.Backward(torch.Sum(s, torch.Mul(s, y, y)))
			fmt.Println("gradient", torch.Float32s(s, torch.Grad(s, w)), g.Buckets())
		}
		return nil
	},
	// BatchNorm's statistics are fixed, or those of both halves.
	"halves":              func(s *torch.Scope, g *Group) error { return halves(s, g, false, 1e-6) },
	"synchronised halves": func(s *torch.Scope, g *Group) error { return halves(s, g, true, 1e-5) },
	// Sums until another process is lost.
	"last": func(s *torch.Scope, g *Group) error {
		fmt.Println("begun")
		for i := 0; ; i++ {
			if strconv.Itoa(g.Rank()) == os.Getenv("LAST") && i == 1 {
				switch os.Getenv("END") {
				case "killed":
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
				case "stopped":
					syscall.Kill(os.Getpid(), syscall.SIGSTOP)
				case "error":
					err := errors.New("no such picture")
					g.Leave(err)
					return err
				}
			}
			g.Barrier()
		}
	},
}

// halves compares the gradients of a batch, half of it in each of two processes, with those of the whole batch in one.
func halves(s *torch.Scope, g *Group, sync bool, tolerance float64) error {
	torch.ManualSeed(1)
	conv := nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 8, Kernel: 3})
	bn, fc := nn.NewBatchNorm2d(s, 8, 1e-5), nn.NewLinear(s, 8, 5)
	network := nn.Sequential{conv, bn}
	nn.SetTraining(network, sync)
	params := append(nn.Parameters(network), nn.Parameters(fc)...)
	const n = 16
	var pixels []float32
	var labels []int64
	src := mt19937.New(2)
	for i := range n * 3 * 12 * 12 {
		pixels = append(pixels, mt19937.Uniform(src, -2, 2))
		if i < n {
			labels = append(labels, int64(i%5))
		}
	}
	images, classes := torch.FromFloat32s(s, pixels, n, 3, 12, 12), torch.FromInt64s(s, labels, n)
	loss := func(from, n int64) *torch.Tensor {
		x := torch.ReLUInPlace(network.Forward(s, torch.Narrow(s, images, 0, from, n)))
		logits := fc.Forward(s, torch.Flatten(s, torch.AdaptiveAvgPool2d(s, x, 1), 1))
		return torch.CrossEntropy(s, logits, torch.Narrow(s, classes, 0, from, n), nil, 0)
	}
	// result returns the gradients and the running statistics, which it resets.
	result := func() (all []float32) {
		for _, p := range params {
			all = append(all, torch.Float32s(s, torch.Grad(s, p))...)
		}
		torch.ClearGrads(params)
		all = append(append(all, torch.Float32s(s, bn.RunningMean)...), torch.Float32s(s, bn.RunningVar)...)
		torch.FillInPlace(bn.RunningMean, 0)
		torch.FillInPlace(bn.RunningVar, 1)
		return all
	}
	torch.Backward(loss(0, n))
	whole := result()
	if sync {
		nn.SyncBatchNorm(network, g.BatchNorm)
	}
	g.Train(params, nil)
	g.Backward(loss(int64(g.Rank())*n/2, n/2))
	difference, norm := 0.0, 0.0
	for i, v := range result() {
		difference += math.Pow(float64(v-whole[i]), 2)
		norm += math.Pow(float64(whole[i]), 2)
	}
	if relative := math.Sqrt(difference / norm); !(relative < tolerance) || len(whole) != 3*8*9+8+8+8*5+5+8+8 {
		return fmt.Errorf("the gradients and statistics differ by %v of their norm", relative)
	}
	return nil
}

// start runs a part in n processes, waits until they end, and returns their outputs. With END=stopped it kills the last one.
func start(t *testing.T, n int, name string, env ...string) (outputs []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	var all []*exec.Cmd
	var texts []*strings.Builder
	for rank := range n {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", part+"="+name, "RANK="+strconv.Itoa(rank), "WORLD_SIZE="+strconv.Itoa(n),
			"MASTER_ADDR=127.0.0.1", "MASTER_PORT="+strconv.Itoa(port), "GLOO_SOCKET_IFNAME=lo")
		cmd.Env = append(cmd.Env, env...)
		text := &strings.Builder{}
		cmd.Stdout, cmd.Stderr = text, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all, texts = append(all, cmd), append(texts, text)
	}
	for i, cmd := range all {
		if i == n-1 && slices.Contains(env, "END=stopped") {
			cmd.Process.Kill()
		}
		cmd.Wait()
		outputs = append(outputs, texts[i].String())
	}
	return outputs
}

func TestNoNCCL(t *testing.T) {
	if _, err := os.Stat("/proc/driver/nvidia/version"); err == nil {
		t.Skip("there is a GPU: make gpu-check uses NCCL")
	}
	for rank, got := range start(t, 2, "nccl") {
		if !strings.HasPrefix(got, "dist: rank 0 cannot use NCCL: ") {
			t.Errorf("rank %d: got %q", rank, got)
		}
	}
}

func TestCollectives(t *testing.T) {
	want := "sum [3 30]\nnumbers [4.5 3]\nbroadcast [1] [7]\nshare from rank 0 \"\"\ngather [\"\" \"x\" \"xx\"]\n"
	for rank, got := range start(t, 3, "collectives") {
		if got != want {
			t.Errorf("rank %d printed\n%s\nwant\n%s", rank, got, want)
		}
	}
}

// Init ends if no process listens, or if another program listens that never answers.
func TestProcessesThatDoNotCome(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	for _, env := range []Env{
		{Rank: 1, World: 2, Host: "127.0.0.1", Port: port},
		{Rank: 1, World: 2, Host: "127.0.0.1", Port: 9},
		{Rank: 0, World: 2, Host: "127.0.0.1", Serve: true}, // at any port
	} {
		env.Timeout = time.Second
		_, err := Init(t.Context(), env)
		if late := (*LateError)(nil); !errors.As(err, &late) || !strings.HasSuffix(err.Error(), fmt.Sprintf("does not reach the others at 127.0.0.1:%d within 1s", env.Port)) {
			t.Errorf("%+v: got error %v", env, err)
		}
	}
}

func TestBackwardAveragesGradients(t *testing.T) {
	// w·x is 1 and 3, the gradients 2·(1, 0) and 6·(1, 1), their mean (4, 3).
	want := "gradient [4 3] [0 -1]\ngradient [4 3] [0 -1]\n"
	for rank, got := range start(t, 2, "gradients") {
		if got != want {
			t.Errorf("rank %d printed\n%s\nwant\n%s", rank, got, want)
		}
	}
}

func TestHalvesOfABatchAreTheBatch(t *testing.T) {
	for _, name := range []string{"halves", "synchronised halves"} {
		for rank, got := range start(t, 2, name) {
			if got != "" {
				t.Errorf("%s: rank %d printed %s", name, rank, got)
			}
		}
	}
}

func TestLostPeersAreNamed(t *testing.T) {
	for _, c := range []struct{ rank, end, want string }{
		{"2", "killed", "dist: rank 2 does not answer any more"},
		{"0", "killed", "dist: rank 0 does not answer any more"},
		{"2", "stopped", "dist: rank 2 does not answer any more"},
		{"2", "error", "dist: rank 2 ended: no such picture"},
		{"0", "error", "dist: rank 0 ended: no such picture"},
	} {
		t.Run(c.rank+" "+c.end, func(t *testing.T) {
			for rank, got := range start(t, 3, "last", "END="+c.end, "LAST="+c.rank) {
				if want := "begun\n" + c.want + "\n"; strconv.Itoa(rank) != c.rank && got != want {
					t.Errorf("rank %d printed\n%s\nwant\n%s", rank, got, want)
				}
			}
		})
	}
}

func TestDivides(t *testing.T) {
	for _, c := range []struct {
		buckets []int64
		want    bool
	}{
		{nil, true}, {[]int64{2, 1, -1, 0, -1}, true}, {[]int64{0, 1, 2, -1}, true},
		{[]int64{0, 1, 2}, false}, {[]int64{0, 1, -1}, false}, {[]int64{0, 1, 1, 2, -1}, false}, {[]int64{0, 1, 2, 3, -1}, false},
		{[]int64{-1, 0, 1, 2, -1}, false}, {[]int64{0, -1, -1, 1, 2, -1}, false}, {[]int64{-2, 0, 1, 2, -1}, false},
	} {
		if got := divides(c.buckets, 3); got != c.want {
			t.Errorf("%v: got %v, want %v", c.buckets, got, c.want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	whole := map[string]string{"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "host", "MASTER_PORT": "29500"}
	for _, c := range []struct {
		name, value, want string
	}{
		{"RANK", "", "RANK is not set: want 0 to 1, the number of this process of WORLD_SIZE=2"},
		{"RANK", "2", `RANK is "2": want 0 to 1, the number of this process of WORLD_SIZE=2`},
		{"WORLD_SIZE", "", "WORLD_SIZE is not set: want the number of processes"},
		{"WORLD_SIZE", "0", `WORLD_SIZE is "0": want the number of processes`},
		{"LOCAL_RANK", "x", `LOCAL_RANK is "x": want the number of this process on its machine`},
		{"MASTER_ADDR", "", "MASTER_ADDR is not set: want the host name or address of the process of rank 0"},
		{"MASTER_PORT", "99999", `MASTER_PORT is "99999": want a port that is free on MASTER_ADDR`},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			for name, value := range whole {
				t.Setenv(name, value)
			}
			t.Setenv(c.name, c.value)
			if _, err := FromEnv(); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	for name := range whole {
		t.Setenv(name, "")
	}
	if env, err := FromEnv(); err != nil || env.World != 1 {
		t.Errorf("without variables: %+v, %v", env, err)
	}
}
