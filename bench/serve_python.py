"""The same model behind FastAPI and uvicorn: one picture at a time through the network, the next ones decoded meanwhile.

    python bench/serve_python.py EXPORTED.pth CLASSES THREADS PORT
"""
import io
import sys
import threading

import torch
import torchvision
import uvicorn
from fastapi import Body, FastAPI
from PIL import Image
from torchvision import transforms


def main():
    path, classes, threads, port = sys.argv[1:]
    classes = classes.split(",")
    torch.set_num_threads(int(threads))
    model = torchvision.models.resnet18(num_classes=len(classes))
    model.load_state_dict(torch.load(path, weights_only=True))
    model.eval()
    prepare = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    network = threading.Lock()  # two calls at once would share the same threads and be slower
    app = FastAPI()

    @app.post("/v1/predict")
    def predict(body: bytes = Body(media_type="image/jpeg")):
        x = prepare(Image.open(io.BytesIO(body)).convert("RGB")).unsqueeze(0)
        with network, torch.inference_mode():
            logits = model(x)[0]
        probabilities = logits.softmax(0).tolist()
        top = sorted(zip(classes, probabilities), key=lambda pair: -pair[1])
        return {"top": [{"class": c, "probability": p} for c, p in top], "logits": logits.tolist()}

    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
