"""Pictures in tar shards, as torch.utils.data reads a set of samples: for reference.py and make_goldens.py."""
import glob
import io
import os
import tarfile

import torch
from PIL import Image
from torch.utils.data import Dataset, Sampler
from torch.utils.data.datapipes.iter import IterableWrapper, Shuffler


class Shards(Dataset):
    """The pictures N.jpg of PHASE-*.tar in a folder, whose classes are the numbers in N.cls behind them."""

    def __init__(self, folder, phase, transform, loader):
        self.transform, self.loader, self.samples, self.ends = transform, loader, [], []
        for path in sorted(glob.glob(os.path.join(folder, phase + "-*.tar"))):
            with tarfile.open(path) as tar:
                files = {m.name: tar.extractfile(m).read() for m in tar}
            for name in files:
                if name.endswith(".jpg"):
                    self.samples.append((files[name], int(files[name[:-4] + ".cls"])))
            self.ends.append(len(self.samples))
        self.targets = [label for _, label in self.samples]
        self.classes = [str(c) for c in sorted(set(self.targets))]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        data, label = self.samples[i]
        return self.transform(self.loader(io.BytesIO(data))), label


def loader(file):
    return Image.open(file).convert("RGB")


class ShardSampler(Sampler):
    """Shards in the order of torch.randperm, of their samples one rank's part, mixed in a buffer by torch's Shuffler."""

    def __init__(self, ends, seed, rank=0, world=1, buffer=10_000):
        self.ends, self.seed, self.rank, self.world, self.buffer, self.epoch = ends, seed, rank, world, buffer, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return -(-self.ends[-1] // self.world)

    def __iter__(self):
        seed = self.seed + self.epoch
        shards = torch.randperm(len(self.ends), generator=torch.Generator().manual_seed(seed)).tolist()
        every = [i for s in shards for i in range(self.ends[s - 1] if s else 0, self.ends[s])]
        own = [every[(self.rank * len(self) + i) % len(every)] for i in range(len(self))]
        return iter(Shuffler(IterableWrapper(own), buffer_size=self.buffer).set_seed(seed))
