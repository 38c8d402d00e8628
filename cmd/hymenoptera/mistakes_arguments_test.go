package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// argumentMistakes are mistakes in the command line, or ask for things that are not on the machine.
var argumentMistakes = []mistake{
	{"unknown command", nil, "trian", 2, `unknown command "trian": did you mean train?`},
	{"unknown command, none near", nil, "fly", 2, `unknown command "fly" (hymenoptera --help lists the commands)`},
	{"unknown command of download", nil, "download wights", 2, `unknown command "wights": did you mean weights?`},
	{"help of an unknown command", nil, "help trian", 2, "did you mean train?"},
	{"unknown shell", nil, "completion zhs", 2, "did you mean zsh?"},
	{"unknown flag", nil, "--epoch 3", 2, "unknown flag: --epoch: did you mean --epochs?"},
	{"unknown flag, underscore", nil, "--batch_size 3", 2, "did you mean --batch-size?"},
	{"unknown flag, none near", nil, "--banana", 2, "unknown flag: --banana (hymenoptera train --help lists the flags)"},
	{"unknown letter", nil, "train -x", 2, "unknown shorthand flag: 'x' in -x"},
	{"no value", nil, "train --epochs", 2, "flag needs an argument: --epochs"},
	{"an argument too many", nil, "train data", 2, `train takes only flags, got "data"`},
	{"an argument too few", nil, "inspect", 2, "inspect takes one FILE, got 0 (see"},
	{"check of nothing", nil, "check", 2, "check takes one DATA, got 0 (see"},
	{"check of no folder", nil, "check dta", 1, "no folder dta: found data/ in ."},
	{"check of a file", nil, "check data/val/ants/000.jpg", 1, "data/val/ants/000.jpg is a file: want a folder"},
	{"check of a class", nil, "check data/val/ants", 1, "data/val/ants has no class folders"},
	{"check with no weights", nil, "check data --weights w", 1, "--weights: no file w: want a file"},
	{"check with no weights, before a picture is read", nil, "check data/val/ants --weights w", 1, "--weights: no file w: want a file"},
	{"check of nothing but val", removed("data/train"), "check data", 1, "data has a folder val, but no folder train"},
	{"check with random weights", nil, "check data --weights none", 2, "--weights none: features of random weights say nothing of labels"},
	{"check with a network of no weights", nil, "check data --model resnet50", 2, "--model has no effect without --weights"},
	{"a page that is a folder", nil, "check data --html data", 2, `--html "data": want the name of a file to write`},
	{"a list without a name", nil, "check data --exclude-to=", 2, "--exclude-to is empty: give it a value, or leave it out"},
	{"a page without a name", nil, "check data --html=", 2, "--html is empty"},
	{"a list to read without a name", nil, "--exclude=", 2, "--exclude is empty"},
	{"a report without a name", nil, "eval --checkpoint w --report=", 2, "--report is empty"},
	{"no classes", nil, "--classes=", 2, "--classes is empty"},
	{"a page in the file that is compared", spoilt("w", "epoch,phase,loss,acc\n0,val,1,0.5\n"), "compare w --html ./w", 2, "--html ./w: this file is read: name another one to write"},
	{"a page in the weights", spoilt("w", ""), "check data --weights w --html w", 2, "--html w: this file is read"},
	{"a page and a list in one file that is there", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "w"), "")
		try(t, os.Link(filepath.Join(dir, "w"), filepath.Join(dir, "x")))
	}, "check data --html w --exclude-to x", 2, "--html and --exclude-to both name x: want two files"},
	{"a list in no folder", nil, "check data --exclude-to nowhere/list", 1, "--exclude-to: write nowhere/list: no such file or directory"},
	{"a list in no folder, before a picture is read", nil, "check data/val/ants --exclude-to nowhere/list", 1, "--exclude-to: write nowhere/list: no such file or directory"},
	{"a list in a file", spoilt("w", ""), "check data --exclude-to w/list", 1, "--exclude-to: write w/list: not a directory"},
	{"a page and a list in one file", nil, "check data --html x --exclude-to ./x", 2, "--html and --exclude-to both name ./x: want two files"},
	{"check of shards", spoilt("train-1.tar", ""), "check .", 2, "check reads class folders, not tar shards: check the pictures before they are packed"},
	{"check of an address", nil, "check https://me:secret@example.org/x", 2, "check reads class folders, not tar shards"},
	{"pack nothing", nil, "pack data", 2, "pack takes two arguments, DATA and OUT, got 1 (see"},
	{"pack no folder", nil, "pack dta out", 1, "no folder dta: found data/ in ."},
	{"pack into a folder with files", nil, "pack data data", 1, "shards: data is there: want the name of a new folder"},
	{"pack into a folder with files, before the pictures are looked for", nil, "pack dta data", 1, "shards: data is there: want the name of a new folder"},
	{"pack into no folder", nil, "pack data none/out", 1, "shards: none/out: stat none: no such file or directory"},
	{"shards of no size", nil, "pack data out --shard-size 0", 2, "--shard-size 0: want 1 to 4000"},
	{"an index of no shards", nil, "pack --index data", 1, "no shards in data: want train-*.tar and val-*.tar"},
	{"an index of no folder", nil, "pack --index dta", 1, "dta: no such file or directory"},
	{"an index with options", nil, "pack --index data --seed 1", 2, "--seed has no effect with --index: leave one of them out"},
	{"shards that are damaged", spoilt("train-1.tar", strings.Repeat("x", 600)), "--data .", 1, "train-1.tar: at offset 0: the tar file is damaged or cut short"},
	{"an index that is damaged", spoilt("shards.jsonl", "{}"), "--data .", 1, "shards.jsonl: shards: line 1: version 0: want 1"},
	{"an index of other shards", spoilt("shards.jsonl", `{"hymenoptera_shards":1,"classes":[]}`+"\n"+`{"shard":"train-1.tar","sha256":"`+strings.Repeat("0", 64)+`"}`), "--data .", 1,
		"shards.jsonl: lists train-1.tar, which is not there; hymenoptera pack --index writes it again"},
	{"shards without validation images", nil, "--data http://127.0.0.1:1/x --val-fraction 0.2", 1, "--val-fraction 0.2: http://127.0.0.1:1/x has shards: divide them before they are packed"},
	{"shards at an address with a password", nil, "--data https://me:secret@example.org/x", 2, "--data: want an address without a password, a query and a fragment"},
	{"shards at an address in capitals with a password", nil, "--data HTTPS://me:secret@example.org/x", 2, "--data: want an address without a password, a query and a fragment"},
	{"shards at an address of another scheme", nil, "--data s3://me:secret@bucket/x", 2, "--data: want an address such as https://"},
	{"shards at an address with a key", nil, "pack https://example.org/x?key=1 out", 2, "--data: want an address without a password, a query and a fragment"},
	{"shards at no address", nil, "--data https://", 2, "--data: want an address such as https://files.example.org/packed"},
	{"shards without TLS", nil, "--data http://example.org/x", 2, "--insecure-mirror where you trust the network"},
	{"no runs", nil, "compare", 2, "compare takes at least one RUN"},
	{"no number", nil, "--epochs many", 2, `--epochs "many": want a whole number`},
	{"half a number", nil, "--epochs 1.5", 2, `--epochs "1.5": want a whole number`},
	{"huge number", nil, "--epochs 99999999999999999999", 2, `--epochs "99999999999999999999": out of range`},
	{"epochs 0", nil, "--epochs 0", 2, "--epochs 0: want 1 to"},
	{"epochs negative", nil, "--epochs -1", 2, "--epochs -1: want 1 to"},
	{"batch size 0", nil, "--batch-size 0", 2, "--batch-size 0: want 1 to"},
	{"batch size absurd", nil, "--batch-size 1000000", 2, "--batch-size 1000000: want 1 to 65536"},
	{"batch too large", nil, "--batch-size 60000 --image-size 2048", 1, "a batch of 60000×3×2048×2048 floats is too large"},
	{"image size 1", nil, "--image-size 1", 2, "--image-size 1: want 32 to 2048"},
	{"a last batch of one small image", nil, "--batch-size 3 --image-size 32", 1, "--batch-size 3: leaves a last batch of one of the 4 training images"},
	{"a last batch of one small image for GoogLeNet", nil, "--model googlenet --weights none --batch-size 3 --image-size 40", 1, "of which googlenet makes a single pixel at size 40, which BatchNorm cannot take: change this or --image-size"},
	{"workers negative", nil, "--workers -1", 2, "--workers -1: want 0 to"},
	{"lr 0", nil, "--lr 0", 2, "--lr 0: want a number above 0"},
	{"lr negative", nil, "--lr -0.1", 2, "--lr -0.1: want a number above 0"},
	{"lr NaN", nil, "--lr NaN", 2, "--lr NaN: want a number above 0"},
	{"lr infinite", nil, "--lr inf", 2, "--lr +Inf: want a number above 0"},
	{"lr absurd", nil, "--lr 1e300", 2, "--lr 1e+300: want a number above 0, at most 1000000"},
	{"lr no number", nil, "--lr 0,1", 2, `--lr "0,1": want a number`},
	{"momentum 1", nil, "--momentum 1", 2, "--momentum 1: want 0 or more and less than 1"},
	{"momentum NaN", nil, "--momentum nan", 2, "--momentum NaN: want 0 or more"},
	{"weight decay negative", nil, "--weight-decay -1", 2, "--weight-decay -1: want 0 to"},
	{"label smoothing 1", nil, "--label-smoothing 1", 2, "--label-smoothing 1: want 0 or more and less than 1"},
	{"class weight 0", nil, "--class-weights 1,0", 2, "--class-weights [1 0]: want numbers above 0"},
	{"class weights no numbers", nil, "--class-weights a,b", 2, `--class-weights "a,b": want numbers with commas between them`},
	{"one class weight", nil, "--class-weights 1", 1, "--class-weights [1]: data has 2 classes: want a weight for each of ants, bees"},
	{"val fraction 1", nil, "--val-fraction 1", 2, "--val-fraction 1: want more than 0 and less than 1"},
	{"val fraction NaN", nil, "--val-fraction nan", 2, "--val-fraction NaN: want"},
	{"val fraction beside val", nil, "--val-fraction 0.5", 1, "--val-fraction 0.5: data has a folder val to validate with"},
	{"a class twice", nil, "--classes ants,ants", 2, "--classes ants,ants: a class is named twice"},
	{"a class without name", nil, "--classes ants,", 2, "--classes: a name is empty"},
	{"no such class", nil, "--classes ants,wasps", 1, "data/train has no class folder wasps: found ants/, bees/"},
	{"no such balance", nil, "--balance even", 2, `--balance "even": want one of none, weights, sampling`},
	{"balance and class weights", nil, "--balance weights --class-weights 1,2", 2, "weighs the classes, as does --class-weights"},
	{"probe without freeze", nil, "--probe", 2, "--probe: trains only the head, and needs --freeze"},
	{"views without probe", nil, "--views 3", 2, "--views 3: has no effect without --probe"},
	{"views negative", nil, "--freeze --probe --views -1", 2, "--views -1: want 0 to 1000"},
	{"probe and sampling", nil, "--freeze --probe --balance sampling", 2, "--balance sampling: does not go with --probe"},
	{"deterministic and fast", nil, "--fast --deterministic", 2, "--deterministic: is for exact trainings, and does not go with --fast"},
	{"step size 0", nil, "--step-size 0", 2, "--step-size 0: want 1 or more"},
	{"gamma 0", nil, "--gamma 0", 2, "--gamma 0: want a number above 0"},
	{"threads 0", nil, "--threads 0", 2, "--threads 0: want 1 to 1024"},
	{"threads absurd", nil, "--threads 100000", 2, "--threads 100000: want 1 to 1024"},
	{"seed negative", nil, "--seed -1", 2, `--seed "-1": want a whole number, 0 or more`},
	{"no such model", nil, "--model resnet19", 2, `--model: zoo: no model "resnet19": want one of resnet18`},
	{"no such optimizer", nil, "--optimizer rmsprop", 2, `--optimizer "rmsprop": want one of sgd, adam, adamw`},
	{"no such scheduler", nil, "--scheduler warm", 2, `--scheduler "warm": want one of step, cosine, exponential`},
	{"no such device", nil, "--device gpu", 2, `--device "gpu": want auto, cpu, cuda or cuda:N`},
	{"a CUDA device that is not there", nil, "--device cuda:4711", 1, "device cuda:4711: "},
	{"no data", nil, "--data=", 2, "--data is empty"},
	{"no weights", nil, "--weights=", 2, "--weights is empty"},
	{"momentum for adam", nil, "--optimizer adam --momentum 0.5", 2, "--momentum has no effect with --optimizer adam"},
	{"nesterov for adam", nil, "--optimizer adam --nesterov", 2, "--nesterov"},
	{"step size for cosine", nil, "--scheduler cosine --step-size 3", 2, "--step-size has no effect with --scheduler cosine"},
	{"gamma for cosine", nil, "--scheduler cosine --gamma 0.5", 2, "--gamma has no effect with --scheduler cosine"},
	{"quiet and verbose", nil, "-q -v", 2, "--quiet and --verbose do not go together"},
	{"no such log", nil, "--log-format xml", 2, `--log-format "xml": want one of text, json`},
	{"list and remove", nil, "download --list --remove", 2, "--list and --remove do not go together"},
	{"no log beneath", nil, "--beneath log.csv", 1, "--beneath log.csv: no such file"},
	{"a folder beneath", nil, "--beneath data", 2, "--beneath data: it is a folder: want a file"},
	{"other things beneath", nil, "--beneath data/val/ants/000.jpg", 1, "--beneath data/val/ants/000.jpg: "},
	{"inspect nothing", nil, "inspect w", 1, "checkpoint: read w: no such file"},
	{"a log that is not finite", spoilt("w", "epoch,phase,loss,acc\n0,val,nan,0.5\n"), "compare w", 1, "w: metrics: line 2 of a log: loss NaN: want a finite number"},
	{"a log that is not finite beneath", spoilt("w", "epoch,phase,loss,acc\n0,val,inf,0.5\n"), "--beneath w", 1, "--beneath w: metrics: line 2 of a log: loss +Inf"},
	{"a log that is a pipe", piped, "compare w", 1, "w: not a regular file"},
	{"a pipe beneath", piped, "--beneath w", 1, "--beneath w: not a regular file"},
	{"a history that is a pipe", func(t *testing.T, dir string) {
		try(t, os.Mkdir(filepath.Join(dir, "run"), 0o777), syscall.Mkfifo(filepath.Join(dir, "run/history.jsonl"), 0o666))
	}, "compare run", 1, "run/history.jsonl: not a regular file"},
	{"a log without end", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "w"), "epoch,phase,loss,acc\n")
		try(t, os.Truncate(filepath.Join(dir, "w"), 1<<40))
	}, "compare w", 1, "w: more than 67108864 bytes"},
	{"a history of less than no images", spoilt("run/history.jsonl", `{"epoch":0,"phase":"val","loss":1,"acc":0.5,"corrects":-1,"n":-2}`+"\n"), "compare run", 1,
		"run/history.jsonl line 1: n -2: want a number of images from 0 to 1e+09"},
	{"a result of less than no memory", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "run/history.jsonl"), `{"epoch":0,"phase":"val","loss":1,"acc":0.5,"corrects":1,"n":2}`+"\n")
		write(t, filepath.Join(dir, "run/result.json"), `{"peak_memory":-1}`)
	}, "compare run", 1, "run/result.json: peak_memory -1: want 0 or more"},
	{"a history with a long number", spoilt("run/history.jsonl", `{"epoch":0,"phase":"val","loss":1`+strings.Repeat("0", 1<<20)+"}\n"), "compare run", 1,
		"run/history.jsonl line 1: loss: want float64, got number 1000000000000000000000000000000"},
	{"a comparison over a device", func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "w"), "epoch,phase,loss,acc\n0,val,1,0.5\n")
		try(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	}, "compare w --html pipe", 2, `--html "pipe": want the name of a file to write`},
	{"a demonstration over pictures of others", spoilt("demo/data/train/ants/000.jpg", "mine"), "demo --out demo", 1,
		"demo/data/train/ants/000.jpg is there already, and another picture: choose another folder"},
	{"a comparison in no folder", spoilt("w", "epoch,phase,loss,acc\n0,val,1,0.5\n"), "compare w --html no/x.html", 1, "--html: write no/x.html: no such file or directory"},
	{"a comparison over a folder", spoilt("w", "epoch,phase,loss,acc\n0,val,1,0.5\n"), "compare w --html data", 2, `--html "data": want the name of a file to write`},
	{"out is data", nil, "--out data", 2, "--out data: it is the folder of the images"},
	{"looks at pictures in another way", nil, "eval --checkpoint w --tta rotate", 2, `--tta "rotate": want none or flip`},
	{"compare nothing", nil, "compare w", 1, "no w: want the folder of a run, or a log as a CSV file"},
	{"compare an image", nil, "compare data/val/ants/000.jpg", 1, "name the folder of a run, or a CSV file"},
	{"compare no run", nil, "compare data", 1, "data is not the folder of a run: it holds no history.jsonl"},
}

func outputMistakes() []mistake {
	return []mistake{
		{"out holds a run", spoilt("out/history.jsonl", "{}\n"), "", 1, "out holds a run already (history.jsonl); choose another --out, or add --overwrite"},
		{"overwrite with another mistake", spoilt("out/history.jsonl", "{}\n"), "--overwrite --weights w", 1, "--weights: no file w"},
		{"out is a file", spoilt("out", ""), "", 1, "out is a file; choose another --out"},
		{"out lies in a file", spoilt("file", ""), "--out file/out", 1, "not a directory; choose another --out"},
		{"out not writable", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "locked")
			try(t, os.Mkdir(path, 0o555))
			t.Cleanup(func() { os.Chmod(path, 0o777) })
		}, "--out locked/a/b", 1, "cannot write into locked: permission denied; choose another --out"},
		{"out among the images", nil, "--out data/train/ants", 2, "--out data/train/ants: it lies among the images in "},
		{"out as a class", nil, "--out data/val/../train/run", 2, "lies among the images in "},
		{"demo into a run", spoilt("out/history.jsonl", "{}\n"), "demo --out out", 1, "out holds a run already"},
		{"comparison not writable", spoilt("out", "epoch,phase,loss,acc\n0,train,1,0.5\n0,val,1,0.5\n"), "compare --html nowhere/c.html out", 1, "nowhere"},
	}
}

// piped makes a pipe that has no writer.
func piped(t *testing.T, dir string) { try(t, syscall.Mkfifo(filepath.Join(dir, "w"), 0o666)) }
