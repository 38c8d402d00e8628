"""Prints the result of torch.load(weights_only=True) or safetensors for each file named on standard input, a JSON object per line:

    {"SHA256": ["…"]}    the digest of every dict in the file, of its tensors of the types that this program reads
    {"Error": "…"}

For parity_fuzz.py, which starts another process if a file ends this one.
"""
import hashlib, json, resource, signal, sys, warnings

import safetensors.torch, torch

import make_checkpoints as make

SECONDS, MEMORY = 20, 12 << 30  # limits for a file


def digest(sd):
    """make_checkpoints.digest of the entries that this program takes for weights."""
    h = hashlib.sha256()
    for key, t in sd.items():
        if isinstance(key, str) and isinstance(t, torch.Tensor) and t.dtype in make.DTYPES and t.layout == torch.strided:
            t = t.detach().contiguous()
            data = t.reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b""
            h.update(key.encode(errors="replace") + b"\0" + make.name(t.dtype).encode() + b"\0" + ",".join(map(str, t.shape)).encode() + b"\0" + data)
    return h.hexdigest()


def dicts(value, depth=0):
    """Every dict within a value."""
    if depth > 50:
        return
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for v in value:
            yield from dicts(v, depth + 1)


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[8:9] == b"{":
        tensors = safetensors.torch.load(data)  # in the order of their places; this program keeps the header's
        header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
        return {key: tensors[key] for key in header if key != "__metadata__"}
    return torch.load(path, weights_only=True, map_location="cpu")


def answer(path):
    try:
        signal.alarm(SECONDS)
        value = load(path)
        if not isinstance(value, dict):
            return {"Error": f"not a dict but a {type(value).__name__}"}
        return {"SHA256": [digest(d) for d in dicts(value)]}
    except Exception as e:
        return {"Error": f"{type(e).__name__}: {e}"[:2000]}
    finally:
        signal.alarm(0)


def late(*_):
    raise TimeoutError(f"more than {SECONDS} seconds")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        print(json.dumps(answer(line.rstrip("\n"))), flush=True)
