"""The same as `hymenoptera eval` and `predict`, in PyTorch.

    python bench/evaluate_python.py eval|predict EXPORTED.pth FOLDER THREADS
"""
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms


def main():
    job, path, folder, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    prepare = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    samples = datasets.ImageFolder(folder, prepare)
    model = models.resnet18(num_classes=len(samples.classes))
    model.load_state_dict(torch.load(path, weights_only=True))
    model.eval()
    criterion = nn.CrossEntropyLoss()
    loss, corrects, files = 0.0, 0, iter(samples.samples)
    with torch.inference_mode():
        for images, labels in DataLoader(samples, batch_size=32, num_workers=int(threads)):
            logits = model(images)
            if job == "eval":
                loss += criterion(logits, labels).item() * len(labels)
                corrects += (logits.argmax(1) == labels).sum().item()
                continue
            top, classes = logits.softmax(1).topk(len(samples.classes))
            for ps, cs in zip(top.tolist(), classes.tolist()):
                print(next(files)[0], *(f"{samples.classes[c]} {p:.4f}" for p, c in zip(ps, cs)))
    if job == "eval":
        print(f"Loss: {loss / len(samples):.4f} Acc: {corrects / len(samples):.4f}")


if __name__ == "__main__":
    main()
