// Package doctor checks this machine for everything that a training needs.
package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	stdjpeg "image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hymenoptera/dataset"
	"hymenoptera/hub"
	"hymenoptera/internal/jpeg"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/malloc"
	"hymenoptera/internal/text"
	"hymenoptera/internal/tiff"
	"hymenoptera/internal/version"
	"hymenoptera/internal/webp"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/transforms"
)

// A Finding is the result of one check.
type Finding struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	OK    bool   `json:"ok"`
	Do    string `json:"do,omitempty"` // what to type if it is not OK
}

// A Diagnosis is the result of all checks.
type Diagnosis struct {
	OK       bool      `json:"ok"`
	Wrong    int       `json:"-"` // findings that are not OK
	Findings []Finding `json:"findings"`
}

// Check makes all checks. out is the folder that runs will be written into. It trains a tiny network for up to a second.
func Check(ctx context.Context, out string) Diagnosis {
	d := Diagnosis{Findings: []Finding{
		checkProgram(), checkLibtorch(), checkCPU(), checkThreads(), checkMalloc(), checkCUDA(), checkPictures(), checkCache(),
		checkFolder("runs", out), checkTraining(ctx),
	}}
	for _, f := range d.Findings {
		if !f.OK {
			d.Wrong++
		}
	}
	d.OK = d.Wrong == 0
	return d
}

func checkProgram() Finding {
	return Finding{Name: "hymenoptera", OK: true,
		Value: fmt.Sprintf("%s, gotch %s, %s %s/%s", version.Own, version.Gotch(), runtime.Version(), runtime.GOOS, runtime.GOARCH)}
}

// wantLibtorch is the version that the binding is made for.
const wantLibtorch = "2.11."

func checkLibtorch() Finding {
	lib, gotch := torch.Folders()
	f := Finding{Name: "libtorch", Value: fmt.Sprintf("%s in %s, gotch's part in %s", torch.Version(), lib, gotch)}
	if f.OK = strings.HasPrefix(torch.Version(), wantLibtorch); !f.OK {
		f.Do = "this program wants libtorch " + wantLibtorch + "0: make setup && make build"
	}
	return f
}

func checkCPU() Finding {
	m := machine.This()
	return processor(m.Processor(), torch.CPUCapability(), torch.MultipliesBFloat16(torch.CPU), m.Memory())
}

// processor judges the processor by the capability that libtorch uses, which can be DEFAULT only on x86-64.
func processor(name, capability string, bfloat16 bool, memory int64) Finding {
	fast := "float32"
	if bfloat16 {
		fast = "bfloat16"
	}
	f := Finding{Name: "processor", Value: fmt.Sprintf("%s, libtorch uses %s, --fast %s, %s", name, capability, fast, text.GB(memory))}
	if f.OK = capability != "DEFAULT"; !f.OK {
		f.Do = "trainings are several times slower without AVX2; unset ATEN_CPU_CAPABILITY if it is set, or use another machine"
	}
	return f
}

func checkThreads() Finding {
	m := machine.This()
	return Finding{Name: "threads", Value: fmt.Sprintf("%d by default, %d processors may be used", m.Threads(), m.Processors()), OK: true}
}

func checkMalloc() Finding {
	f := Finding{Name: "malloc", Value: "jemalloc " + malloc.Version(), OK: malloc.Version() != ""}
	if !f.OK {
		f.Value, f.Do = "the system's: trainings take up to a fifth longer than with jemalloc", "sudo apt-get install -y libjemalloc-dev && make build"
	}
	return f
}

func checkCUDA() Finding {
	f := Finding{Name: "CUDA", OK: true}
	device, err := torch.Init(torch.Options{Device: "cuda"})
	if err == nil {
		f.Value = device.String() + " can be used"
		if name := machine.This().GPU(device.Index()); name != "" {
			f.Value += ": " + name
		}
		if err := torch.LoadGraphs(); err != nil {
			f.Value += fmt.Sprintf(", without CUDA graphs (%v)", err)
		}
		return f
	}
	f.Value = "none: " + err.Error()
	if machine.This().NVIDIA() {
		f.OK, f.Do = false, "there is a driver, so a GPU could be used: TORCH_VARIANT=cuda make setup && make build; nvidia-smi shows what the driver sees"
	}
	return f
}

// checkPictures decodes a picture that Go has encoded.
func checkPictures() Finding {
	f := Finding{Name: "pictures", Value: fmt.Sprintf("libjpeg-turbo 3, libtiff %s, libwebp %s in %s", tiff.Version(), webp.Version(),
		filepath.Dir(jpeg.Library()))}
	picture := image.NewRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.RGBA{R: 200, G: 100, B: 50, A: 255}), image.Point{}, draw.Src)
	var file bytes.Buffer
	var got transforms.Image
	err := errors.Join(stdjpeg.Encode(&file, picture, nil), dataset.Decode(&got, file.Bytes()))
	if err == nil {
		if r, _, _ := got.At(16, 16); r < 190 || r > 210 {
			err = fmt.Errorf("a red of 200 was decoded as %d", r)
		}
	}
	if !jpeg.IsVersion3() {
		f.Value = "libjpeg-turbo in " + jpeg.Library()
		err = errors.New("it is older than Pillow's, which is of version 3: incomplete progressive files may come out with other pixels than in Pillow")
	}
	if f.OK = err == nil; !f.OK {
		f.Value, f.Do = f.Value+": "+err.Error(), "make clean build"
	}
	return f
}

func checkCache() Finding {
	dir, err := hub.CheckpointDir(os.Getenv)
	if err != nil {
		return Finding{Name: "weights cache", Value: err.Error(), Do: "export TORCH_HOME=FOLDER"}
	}
	f := checkFolder("weights cache", dir)
	if !f.OK {
		f.Do = "export TORCH_HOME=FOLDER, a folder with room for weights that can be written into"
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.pth")); err == nil {
		f.Value += fmt.Sprintf(", %d files of weights", len(files))
	}
	return f
}

// leastFree is the space that a run of the largest network, or its weights, may take.
const leastFree = 1 << 30

// checkFolder checks whether files can be written into dir, or into the folder in which it would be made.
func checkFolder(name, dir string) Finding {
	f := Finding{Name: name, Value: dir}
	there, err := filepath.Abs(dir)
	for err == nil {
		if _, err = os.Stat(there); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		there, err = filepath.Dir(there), nil
	}
	var disk unix.Statfs_t
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(there, ".hymenoptera-doctor-"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()), unix.Statfs(there, &disk))
		}
	}
	if err != nil {
		f.Value += ": " + err.Error()
		f.Do = "choose a folder that can be written into with --out, as in: hymenoptera train --out ~/runs/first"
		return f
	}
	free := int64(disk.Bavail) * disk.Bsize
	f.Value += ", " + hub.Bytes(free) + " free"
	if f.OK = free >= leastFree; !f.OK {
		f.Do = "a run may take " + hub.Bytes(leastFree) + ": make room, or choose another --out"
	}
	return f
}

// checkTraining trains a tiny network on the device that train would choose, for at most a second.
func checkTraining(ctx context.Context) Finding {
	f := Finding{Name: "training"}
	err := torch.Do(ctx, func(s *torch.Scope) error {
		device, err := torch.Init(torch.Options{Device: "auto"})
		if err != nil {
			return err
		}
		torch.ManualSeed(1)
		conv := nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 8, Kernel: 3, Stride: 2, Padding: 1})
		conv.KaimingNormalFanOut()
		net := nn.Sequential{conv, nn.ReLU{}, nn.Flatten{}, nn.NewLinear(s, 8*16*16, 2)}
		nn.To(net, device)
		images := torch.To(s, torch.NormalInPlace(torch.Empty(s, torch.Float32, torch.CPU, 4, 3, 32, 32), 0, 1), device)
		labels := torch.To(s, torch.FromInt64s(s, []int64{0, 1, 0, 1}, 4), device)
		sgd := optim.NewSGD(s, nn.Trainable(net), optim.SGDConfig{LR: 0.01, Momentum: 0.9})
		var first, last float64
		steps := 0
		for start := time.Now(); steps < 2 || steps < 50 && time.Since(start) < time.Second; steps++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			sgd.ZeroGrad()
			c := s.Child()
			loss := torch.CrossEntropy(c, net.Forward(c, images), labels, nil, 0)
			torch.Backward(loss)
			sgd.Step()
			last = torch.Item(loss)
			c.Close()
			if steps == 0 {
				first = last
			}
		}
		f.Value = fmt.Sprintf("%d steps of a tiny network on %v, loss %.4f to %.4f", steps, device, first, last)
		if f.OK = last < first; !f.OK { // NaN too
			return errors.New("the loss did not fall")
		}
		return nil
	})
	if err != nil {
		f.Value = strings.TrimPrefix(f.Value+": "+err.Error(), ": ")
		f.Do = "try without a GPU: CUDA_VISIBLE_DEVICES= hymenoptera doctor; then report what hymenoptera doctor --json prints"
	}
	return f
}
