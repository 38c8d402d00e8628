#!/usr/bin/env python3
"""The notebook's training in plain PyTorch, which the Go program must equal bit for bit.

It takes the options of `hymenoptera train` under the same names and writes into --out the same
history.jsonl, and digests.json: SHA-256 of the final and of the best state dict. --trace FILE writes a
line for every tensor of every step. It takes nothing from the Go program's output.

Our only convention: --seed is set right before the new head is made or, with --weights none,
right before the model is. Under torchrun it trains with DistributedDataParallel and gloo: the processes
of the ranks above 0 seed themselves again, with --seed plus their rank, when the model is made.
"""

import argparse
import copy
import glob
import hashlib
import json
import math
import os
import time

import torch
import torch.distributed as dist
from PIL import Image, ImageOps
from torch import nn, optim
from torch.nn.parallel import DistributedDataParallel
from torch.optim import lr_scheduler, swa_utils
from torch.utils.data import DataLoader, DistributedSampler, Subset, TensorDataset, WeightedRandomSampler
from torchvision import datasets, models, transforms

from reference_shards import Shards, ShardSampler, loader as shard_loader

RANK, WORLD = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
NORMALIZE = [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
AUGMENTATIONS = ["none", "flip", "light", "trivial"]


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--model", default="resnet18")
    p.add_argument("--freeze", action="store_true")
    p.add_argument("--probe", action="store_true", help="train the head on features computed once, in evaluation mode")
    p.add_argument("--views", type=int, default=0, help="random crops of each image to probe; 0 takes the centre")
    p.add_argument("--data", default="data/hymenoptera_data")
    p.add_argument("--weights", required=True, help="a file, or none")
    p.add_argument("--out", required=True)
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--image-size", type=int, default=224)
    p.add_argument("--exif-rotate", action="store_true")
    p.add_argument("--no-flip", action="store_true")
    p.add_argument("--augment", default="flip", choices=AUGMENTATIONS)
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--optimizer", default="sgd", choices=["sgd", "adam", "adamw"])
    p.add_argument("--lr", type=float, default=0.001)
    p.add_argument("--layer-decay", type=float, default=1.0)
    p.add_argument("--momentum", type=float, default=0.9)
    p.add_argument("--nesterov", action="store_true")
    p.add_argument("--weight-decay", type=float, default=0.0)
    p.add_argument("--scheduler", default="step", choices=["step", "cosine", "exponential"])
    p.add_argument("--step-size", type=int, default=7)
    p.add_argument("--gamma", type=float, default=0.1)
    p.add_argument("--warmup", type=int, default=0, help="steps; the schedule is by step then")
    p.add_argument("--clip-grad-norm", type=float, default=0.0)
    p.add_argument("--ema", type=float, default=0.0, help="decay of the average of the weights that is validated and kept")
    p.add_argument("--head-epochs", type=int, default=0, help="epochs that train only the head, at first")
    p.add_argument("--best", default="accuracy", choices=["accuracy", "loss", "macro-f1"])
    p.add_argument("--patience", type=int, default=0, help="epochs without a better one after which the training ends")
    p.add_argument("--label-smoothing", type=float, default=0.0)
    p.add_argument("--class-weights", default="", help="comma-separated, one a class")
    p.add_argument("--balance", default="none", choices=["none", "weights", "sampling"])
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--device", default="cpu")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--trace", default="")
    return p.parse_args()


def augmented(size, degree, flip=True):
    """The steps of training, with an augmentation of one of four degrees."""
    steps = [transforms.RandomResizedCrop(size)]
    if flip and degree != "none":
        steps.append(transforms.RandomHorizontalFlip())
    if degree == "light":
        steps += [transforms.ColorJitter(0.2, 0.2, 0.2), transforms.RandomRotation(10)]
    if degree == "trivial":
        steps.append(transforms.TrivialAugmentWide())
    steps += NORMALIZE
    if degree == "trivial":
        steps.append(transforms.RandomErasing(0.1))
    return steps


def upright(path):
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def loaders(o):
    size = o.image_size
    pipelines = {
        "train": augmented(size, o.augment, not o.no_flip),
        "val": [transforms.Resize(size * 256 // 224), transforms.CenterCrop(size), *NORMALIZE],
    }
    if o.probe and o.views == 0:
        pipelines["train"] = pipelines["val"]
    sharded = glob.glob(os.path.join(o.data, "*.tar"))
    sets = {
        phase: Shards(o.data, phase, transforms.Compose(steps), shard_loader)
        if sharded
        else datasets.ImageFolder(
            os.path.join(o.data, phase),
            transforms.Compose(steps),
            loader=upright if o.exif_rotate else datasets.folder.default_loader,
        )
        for phase, steps in pipelines.items()
    }
    samplers = {phase: {"shuffle": not o.probe} for phase in sets}
    if sharded:
        samplers = {phase: {"sampler": ShardSampler(sets[phase].ends, o.seed, RANK, WORLD)} for phase in sets}
    if o.balance == "sampling":
        counts = torch.bincount(torch.tensor(sets["train"].targets)).tolist()
        weights = [1 / counts[label] for label in sets["train"].targets]
        samplers["train"] = {"sampler": WeightedRandomSampler(weights, len(weights))}
    if WORLD > 1:  # each validation image counts once
        if not sharded:
            samplers["train"] = {"sampler": DistributedSampler(sets["train"], seed=o.seed)}
        samplers["val"] = {}
        sets["val"] = Subset(sets["val"], range(RANK, len(sets["val"]), WORLD))
    return {
        phase: DataLoader(s, batch_size=o.batch_size, num_workers=o.workers, **samplers[phase])
        for phase, s in sets.items()
    }


TYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    """The tensors of a best.safetensors, and its metadata."""
    with open(path, "rb") as f:
        head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    metadata = head.pop("__metadata__", {})
    tensors = {}
    for name, t in head.items():
        begin, end = t["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=TYPES[t["dtype"]]).reshape(t["shape"])
    return tensors, metadata


def build(o, names):
    classes = len(names)
    constructor = getattr(models, o.model)
    if o.weights == "none":
        torch.manual_seed(o.seed)
        extra = {}
        if o.model == "googlenet":
            extra = dict(aux_logits=False, transform_input=False, init_weights=True)
        model = constructor(weights=None, num_classes=classes, **extra)
        if o.freeze:
            for name, p in model.named_parameters():
                p.requires_grad = name.startswith("fc.")
        return model
    if o.weights.endswith(".safetensors"):
        weights, metadata = read_safetensors(o.weights)
    else:
        weights, metadata = torch.load(o.weights, map_location="cpu", weights_only=True), {}
    extra = {}
    if o.model == "googlenet":  # as googlenet(weights=...) builds it before it loads; a trained one has no auxiliary heads
        extra = dict(aux_logits="aux1.fc1.weight" in weights, transform_input=metadata.get("transform_input") != "false", init_weights=False)
    model = constructor(weights=None, num_classes=len(weights["fc.weight"]), **extra)
    model.load_state_dict(weights)
    if o.model == "googlenet":
        model.aux_logits, model.aux1, model.aux2 = False, None, None
    if o.freeze:
        for p in model.parameters():
            p.requires_grad = False
    torch.manual_seed(o.seed)
    if json.loads(metadata.get("classes", "null")) == names:  # the head stays
        model.fc.requires_grad_(True)
    else:
        model.fc = nn.Linear(model.fc.in_features, classes)
    return model


class Views:
    """Features of several views of a set: every epoch takes the next one."""

    def __init__(self, views, labels, batch_size):
        self.loaders = [DataLoader(TensorDataset(v, labels), batch_size=batch_size, shuffle=True) for v in views]
        self.dataset = labels
        self.epoch = 0

    def __iter__(self):
        self.epoch += 1
        return iter(self.loaders[(self.epoch - 1) % len(self.loaders)])


def probe(o, model, data, device):
    """The head, and sets of features of the frozen network to train it on."""
    head, model.fc = model.fc, nn.Identity()
    model.eval()
    features = {}
    with torch.no_grad():
        for phase, views in (("train", max(o.views, 1)), ("val", 1)):
            passes = []
            for _ in range(views):
                batches = list(data[phase])
                passes.append(torch.cat([model(images.to(device)).cpu() for images, _ in batches]))
            features[phase] = Views(passes, torch.cat([labels for _, labels in batches]), o.batch_size)
    model.fc = head
    if o.model == "googlenet":
        head = nn.Sequential(model.dropout, head)
    return head, features


STAGES = {
    "resnet": [("conv1", "bn1"), "layer1", "layer2", "layer3", "layer4", "fc"],
    "googlenet": ["conv1", ("conv2", "conv3"), "inception3", "inception4", "inception5", "fc"],
}


def make_optimizer(o, model):
    params = [p for p in model.parameters() if p.requires_grad]
    if o.layer_decay != 1:  # a group per stage, from the head back to the first layers
        params, rate = [], o.lr
        for stage in reversed(STAGES[o.model.rstrip("0123456789")]):
            params.append({"params": [p for name, p in model.named_parameters() if name.startswith(stage)], "lr": rate})
            rate *= o.layer_decay
    if o.optimizer == "sgd":
        return optim.SGD(
            params, lr=o.lr, momentum=o.momentum, nesterov=o.nesterov, weight_decay=o.weight_decay
        )
    kind = optim.Adam if o.optimizer == "adam" else optim.AdamW
    return kind(params, lr=o.lr, weight_decay=o.weight_decay)


def make_scheduler(o, optimizer, steps):
    if o.warmup:
        return lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=o.warmup),
                lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - o.warmup),
            ],
            milestones=[o.warmup],
        )
    if o.scheduler == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=o.epochs)
    if o.scheduler == "exponential":
        return lr_scheduler.ExponentialLR(optimizer, gamma=o.gamma)
    return lr_scheduler.StepLR(optimizer, step_size=o.step_size, gamma=o.gamma)


def digest(state_dict):
    """SHA-256 over the entries in order: name, dtype, shape, little-endian bytes."""
    h = hashlib.sha256()
    for name, t in state_dict.items():
        shape = ",".join(map(str, t.shape))
        h.update(f"{name}\0{str(t.dtype).removeprefix('torch.')}\0{shape}\0".encode())
        h.update(t.detach().cpu().contiguous().numpy().tobytes())
    return h.hexdigest()


class Trace:
    """Writes the SHA-256 of a step's tensors, in the order in which they are computed."""

    def __init__(self, path):
        self.file = open(path, "w") if path else None

    def __call__(self, epoch, phase, step, name, tensor):
        if self.file:
            data = tensor.detach().cpu().contiguous().numpy().tobytes()
            print(epoch, phase, step, name, hashlib.sha256(data).hexdigest(), file=self.file)

    def model(self, epoch, phase, step, kind, model):
        if not self.file:
            return
        for name, t in model.state_dict(keep_vars=True).items():
            if kind == "tensor":
                self(epoch, phase, step, name, t)
            elif t.grad is not None:
                self(epoch, phase, step, name + ".grad", t.grad)


def macro_f1(true, predicted):
    """scikit-learn's f1_score(average="macro")."""
    classes = sorted(set(true) | set(predicted))
    right = [sum(t == p == c for t, p in zip(true, predicted)) for c in classes]
    scores = [2 * r / (true.count(c) + predicted.count(c)) for r, c in zip(right, classes)]
    return sum(1 / len(scores) * s for s in scores)


def score(o, line):
    """The epoch's score: the epoch with the greatest is kept, and the first of equals."""
    if o.best == "loss":
        return (-line["loss"],)
    if o.best == "macro-f1":
        return (line["macro_f1"], -line["loss"]) if line["macro_f1"] > 0 else (0.0,)
    return (line["acc"],)


def train_model(o, model, data, device, criterion, optimizer, scheduler, history, trace):
    best_weights, best_acc = copy.deepcopy(model.state_dict()), 0.0
    best, best_epoch = (-math.inf if o.best == "loss" else 0.0,), -1
    network = model
    parallel = DistributedDataParallel(network) if WORLD > 1 and not o.head_epochs else network
    if o.ema:
        average = swa_utils.AveragedModel(network, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(o.ema), use_buffers=True)
    trace.model(0, "start", 0, "tensor", model)
    for epoch in range(o.epochs):
        print(f"Epoch {epoch}/{o.epochs - 1}\n{'-' * 10}", flush=True)
        if o.head_epochs and epoch in (0, o.head_epochs):
            for name, p in network.named_parameters():
                p.requires_grad = epoch > 0 or name.startswith("fc.")
            if WORLD > 1:
                parallel = None  # removes its hooks
                parallel = DistributedDataParallel(network)
        for phase in ["train", "val"]:
            training = phase == "train"
            model = network if training or not o.ema else average.module
            model.train(training)
            if hasattr(getattr(data[phase], "sampler", None), "set_epoch"):  # Views has none
                data[phase].sampler.set_epoch(epoch)
            if WORLD > 1 and not training:
                for buffer in model.buffers():
                    dist.broadcast(buffer, 0)
            lr, began = optimizer.param_groups[0]["lr"], time.time()
            true, predicted = [], []
            running_loss, corrects, n = 0.0, 0, len(data[phase].dataset)
            for step, (inputs, labels) in enumerate(data[phase]):
                trace(epoch, phase, step, "batch", inputs)
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(training):
                    outputs = (parallel if training else model)(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    trace(epoch, phase, step, "logits", outputs)
                    trace(epoch, phase, step, "loss", loss)
                    if training:
                        loss.backward()
                        if o.clip_grad_norm:
                            nn.utils.clip_grad_norm_(model.parameters(), o.clip_grad_norm)
                        trace.model(epoch, phase, step, "grad", model)
                        optimizer.step()
                        trace.model(epoch, phase, step, "tensor", model)
                        if o.ema:
                            average.update_parameters(model)
                        if o.warmup:
                            scheduler.step()
                running_loss += loss.item() * inputs.size(0)
                corrects += torch.sum(preds == labels).item()
                true += labels.tolist()
                predicted += preds.tolist()
            if training and not o.warmup:
                scheduler.step()
            if WORLD > 1:
                sums = torch.tensor([running_loss, corrects, len(true)], dtype=torch.float64)
                dist.all_reduce(sums)
                running_loss, corrects, n = sums[0].item(), int(sums[1]), int(sums[2])
                answers = [None] * WORLD
                dist.all_gather_object(answers, (true, predicted))
                true, predicted = (sum(all, []) for all in zip(*answers))
            loss, acc = running_loss / n, corrects / n
            print(f"{phase} Loss: {loss:.4f} Acc: {acc:.4f}", flush=True)
            line = dict(epoch=epoch, phase=phase, loss=loss, acc=acc, corrects=corrects, n=n, lr=lr)
            if not training and o.best == "macro-f1":
                line["macro_f1"] = macro_f1(true, predicted)
            line["seconds"] = time.time() - began
            print(json.dumps(line), file=history, flush=True)
            if phase == "val" and score(o, line) > best:
                best, best_epoch = score(o, line), epoch
                best_acc, best_weights = acc, copy.deepcopy(model.state_dict())
        print(flush=True)
        if o.patience and epoch - best_epoch >= o.patience:
            break
    return best_weights, best_acc


def main():
    o = arguments()
    torch.set_num_threads(o.threads)
    torch.backends.cudnn.benchmark = True
    os.makedirs(o.out, exist_ok=True)
    if WORLD > 1:
        dist.init_process_group("gloo")
    data = loaders(o)
    device = torch.device(o.device)
    model = build(o, data["train"].dataset.classes).to(device)
    if RANK > 0:
        torch.manual_seed(o.seed + RANK)
    weights = [float(w) for w in o.class_weights.split(",")] if o.class_weights else None
    if o.balance == "weights":  # scikit-learn's class_weight="balanced"
        counts = torch.bincount(torch.tensor(data["train"].dataset.targets)).tolist()
        weights = [sum(counts) / (len(counts) * n) for n in counts]
    criterion = nn.CrossEntropyLoss(
        weight=torch.tensor(weights, device=device) if weights else None,
        label_smoothing=o.label_smoothing,
    )
    optimizer = make_optimizer(o, model)
    scheduler = make_scheduler(o, optimizer, o.epochs * len(data["train"]))
    since = time.time()
    trained = model
    if o.probe:
        trained, data = probe(o, model, data, device)
    with open(os.path.join(o.out, "history.jsonl") if RANK == 0 else os.devnull, "w") as history:
        best, best_acc = train_model(
            o, trained, data, device, criterion, optimizer, scheduler, history, Trace(o.trace if RANK == 0 else "")
        )
    elapsed = time.time() - since
    if RANK > 0:
        return
    if o.probe:  # the head's entries among the network's
        final = copy.deepcopy(trained.state_dict())
        trained.load_state_dict(best)
        best = copy.deepcopy(model.state_dict())
        trained.load_state_dict(final)
    print(f"Training complete in {elapsed // 60:.0f}m {elapsed % 60:.0f}s")
    print(f"Best val Acc: {best_acc:4f}")
    digests = {
        "final": digest(model.state_dict()),
        "best": digest(best),
        "torch": torch.__version__.split("+")[0],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": o.threads,
    }
    with open(os.path.join(o.out, "digests.json"), "w") as f:
        json.dump(digests, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
