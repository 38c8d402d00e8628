#!/usr/bin/env python3
"""fastai's fine_tune on a folder, as in its documentation: the other side of bench/own_pictures.py.

    fastai_python.py DATA WEIGHTS SIZE EPOCHS SEED         prints {"acc": …, "macro_f1": …, "seconds": …}

The network begins with the same weights: ResNet18 from a .pth file.
"""
import json
import os
import sys
import time
import warnings

import torch
from fastai.vision.all import (ImageDataLoaders, Resize, accuracy, aug_transforms, imagenet_stats, Normalize, set_seed, vision_learner)
from sklearn.metrics import f1_score
from torchvision.models import resnet18

warnings.filterwarnings("ignore")


def main():
    data, weights, size, epochs, seed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    set_seed(seed, reproducible=True)
    begun = time.time()

    def network(pretrained=True, **_):
        net = resnet18()
        net.load_state_dict(torch.load(weights, weights_only=True))
        return net

    network.__name__ = "resnet18"
    from fastai.vision.learner import model_meta
    model_meta[network] = model_meta[resnet18]
    loaders = ImageDataLoaders.from_folder(data, train="train", valid="val", bs=16, num_workers=2, item_tfms=Resize(size + size // 4),
                                           batch_tfms=[*aug_transforms(size=size), Normalize.from_stats(*imagenet_stats)])
    learner = vision_learner(loaders, network, metrics=accuracy, normalize=False)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
        seconds = time.time() - begun
        probabilities, labels = learner.get_preds()
    answers = probabilities.argmax(1)
    print(json.dumps({"acc": (answers == labels).float().mean().item(), "macro_f1": f1_score(labels, answers, average="macro", zero_division=0), "seconds": seconds}))


if __name__ == "__main__":
    main()
