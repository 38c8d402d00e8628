#!/usr/bin/env python3
"""Makes the files of weights in checkpoint/testdata, and expected.json, which says what is in them.

    python scripts/make_checkpoints.py [DIR]        needs torch 2.11.0

Every file is read back with torch.load before it counts. With PYTHONHASHSEED=0, which orders sets, every run
writes the same bytes: see repeatable.
"""
import hashlib
import io
import json
import os
import pickle
import struct
import sys
import warnings
import zipfile
from collections import Counter, OrderedDict

import torch

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]
SAFETENSORS = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
               torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
               torch.uint8: "U8", torch.bool: "BOOL"}
# Words whose bits are special in some type: zeros of both signs, denormals, infinities, quiet and
# signalling NaNs with payloads, the largest and smallest integers.
PATTERNS = bytes.fromhex(
    "0000000000000000" "0000000000000080" "0100000000000000" "ffffffffffffffff" "000000000000f07f"
    "000000000000f0ff" "010000000000f07f" "deadbeef0000f8ff" "0000807f000080ff" "0100807f0000c07f"
    "efbeadde01000080" "007c00fc017c00fe" "807f80ff817fc07f" "0100008000800001" "ffffff7fffffff7f")


def raw(t):
    """The bytes of a tensor's elements in order, little-endian on the machines this runs on."""
    t = t.detach().contiguous()
    return bytes(t.reshape(-1).view(torch.uint8).tolist()) if t.numel() else b""


def from_bytes(data, dtype):
    return torch.tensor(list(data), dtype=torch.uint8).view(dtype)


def name(dtype):
    return str(dtype).removeprefix("torch.")


def digest(sd):
    """What checkpoint.StateDict.SHA256 computes."""
    h = hashlib.sha256()
    for key, t in sd.items():
        h.update(key.encode() + b"\0" + name(t.dtype).encode() + b"\0" + ",".join(map(str, t.shape)).encode() + b"\0" + raw(t))
    return h.hexdigest()


def repeatable():
    """Makes torch.save write the same bytes in every run and in every environment."""
    # The legacy format names storages by their addresses; here they are numbered in the order in which they are written.
    address = torch._C.StorageBase._cdata.__get__
    numbers, alive = {}, []

    def number(storage):
        alive.append(storage)  # so that no other storage gets its address
        return numbers.setdefault(address(storage), 400_000_000 + 16 * len(numbers))

    torch.UntypedStorage._cdata = property(number)

    # Whole models and TorchScript name the files of their source; here by paths within the environment.
    source = torch._sources.get_source_lines_and_file

    def relative(obj, message=None):
        lines, first, file = source(obj, message)
        return lines, first, os.path.relpath(file, os.path.dirname(os.path.dirname(torch.__file__)))

    torch._sources.get_source_lines_and_file = torch.serialization.get_source_lines_and_file = relative


def save_zip(path, obj):
    torch.save(obj, path)


def save_legacy(path, obj):
    torch.save(obj, path, _use_new_zipfile_serialization=False)


def save_safetensors(path, sd, metadata=None):
    """The format of https://github.com/huggingface/safetensors, tensors in the order of sd."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for key, t in sd.items():
        b = raw(t)
        header[key] = {"dtype": SAFETENSORS[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(b)]}
        data += b
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + data)


def load_safetensors(path, aligned=False):
    """Reads a safetensors file that this program wrote: no care for hostile ones."""
    with open(path, "rb") as f:
        b = f.read()
    n = struct.unpack("<Q", b[:8])[0]
    assert n % 8 == 0, "the header is not padded to 8 bytes"
    header, data = json.loads(b[8:8 + n]), b[8 + n:]
    metadata = header.pop("__metadata__", None)
    types = {v: k for k, v in SAFETENSORS.items()}
    sd, covered = OrderedDict(), 0
    for key, d in header.items():
        begin, end = d["data_offsets"]
        dtype = types[d["dtype"]]
        assert not aligned or begin % dtype.itemsize == 0, f"{key} is not aligned"
        covered += end - begin
        sd[key] = (from_bytes(data[begin:end], dtype) if end > begin else torch.empty(0, dtype=dtype)).reshape(d["shape"])
    assert covered == len(data)
    return sd, metadata


class OldPickle:
    """A pickle module that writes what PyTorch 0.2 and 0.3 wrote, run by Python 2: tensors of four numbers,
    parameters that are called with their data, ordered dicts that are called with their items."""

    class Pickler(pickle.Pickler):
        def reducer_override(self, obj):
            if isinstance(obj, torch.nn.Parameter):
                return torch.nn.Parameter, (obj.data,), (obj.requires_grad, False, OrderedDict())
            if isinstance(obj, torch.Tensor):
                storage = torch.storage.TypedStorage(wrap_storage=obj.untyped_storage(), dtype=obj.dtype, _internal=True)
                return torch._utils._rebuild_tensor, (storage, obj.storage_offset(), tuple(obj.shape), obj.stride())
            if isinstance(obj, OrderedDict):
                return OrderedDict, ([[k, v] for k, v in obj.items()],)
            return NotImplemented

    dump = staticmethod(pickle.dump)


def save_old(path, obj):
    torch.save(obj, path, pickle_module=OldPickle, _use_new_zipfile_serialization=False)


class Unseekable(io.RawIOBase):
    """A pipe, as zipfile sees it: sizes then follow the data in descriptors."""

    def __init__(self, f):
        self.f = f

    def writable(self):
        return True

    def write(self, b):
        return self.f.write(b)


def save_zip64(path, obj, stream=False):
    """The zip format packed again by Python, with the 64-bit fields that only files over 4 GiB need."""
    torch.save(obj, path)
    with zipfile.ZipFile(path) as z:
        members = [(i.filename, z.read(i)) for i in z.infolist()]
    with open(path, "wb") as f, zipfile.ZipFile(Unseekable(f) if stream else f, "w") as z:
        for member, data in members:
            with z.open(zipfile.ZipInfo(member), "w", force_zip64=True) as m:
                m.write(data)


def all_dtypes():
    sd = OrderedDict()
    for dtype in DTYPES:
        data = PATTERNS if dtype != torch.bool else bytes(b & 1 for b in PATTERNS)
        t = from_bytes(data, dtype)
        sd[f"{name(dtype)}.all"] = t
        sd[f"{name(dtype)}.matrix"] = t[:6].clone().reshape(2, 3)
        sd[f"{name(dtype)}.scalar"] = t[3].clone()
        sd[f"{name(dtype)}.empty"] = torch.empty(2, 0, 3, dtype=dtype)
    return sd


def layouts():
    base = torch.arange(48, dtype=torch.float32)
    image = torch.arange(2 * 3 * 4 * 5, dtype=torch.int32).reshape(2, 3, 4, 5)
    sd = OrderedDict()
    sd["tied.a"] = base[:12].view(3, 4)
    sd["tied.b"] = sd["tied.a"]
    sd["part"] = base[5:17]
    sd["transposed"] = base.view(6, 8).t()
    sd["step"] = base[1::3]
    sd["corner"] = base.view(6, 8)[2:5, 3:6]
    sd["expanded"] = base[7:9].view(2, 1).expand(2, 5)
    sd["diagonal"] = base.view(6, 8).diagonal()
    sd["alone.transposed"] = torch.arange(15, dtype=torch.int64).view(3, 5).t()
    sd["alone.channels_last"] = image.contiguous(memory_format=torch.channels_last)
    sd["alone.half"] = torch.arange(12, dtype=torch.float16).view(2, 2, 3).permute(2, 0, 1)
    sd["scalar"] = torch.tensor(3.5, dtype=torch.float64)
    sd["scalar.of.many"] = base[9]
    sd["empty"] = torch.empty(0)
    sd["empty.slice"] = base[48:]
    sd["ones"] = base[4:5].view(1, 1, 1)
    return sd


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(4, 3))


def parameters():
    """A state dict as in torchvision's old files: parameters among plain tensors, one of them frozen."""
    n = net()
    n[0].bias.requires_grad = False
    named = dict(n.named_parameters())
    return OrderedDict((k, named.get(k, v)) for k, v in n.state_dict().items())


def beside():
    """A value of every kind that torch.load(weights_only=True) reads: its _get_allowed_globals, and its opcodes."""
    attributes = torch.nn.Parameter(torch.ones(2))
    attributes.note = {"by": "hand"}
    return {
        "loss": torch.tensor(0.5), "best_acc1": torch.tensor(91.25), "rng_state": torch.arange(8, dtype=torch.uint8),
        "rng": {"cpu": torch.arange(8, dtype=torch.uint8), "cuda": [torch.arange(8, dtype=torch.uint8)]},
        "integer": 2**70, "negative": -2**70, "bytes": b"abc", "bytearray": bytearray(b"abc"), "set": {1, "a"}, "complex": 1 + 2j,
        "counter": Counter("aab"), "device": torch.device("cuda", 0), "size": torch.Size([2, 3]), "layout": torch.strided,
        "half": "\ud800", "dtypes": [torch.float32, torch.complex64, torch.float8_e5m2, torch.uint16, torch.quint8, torch.per_tensor_affine],
        None: None, True: False, 2.5: 1, (1, "a"): 2, b"key": 3, torch.float16: 4,
        "tensors": [torch.ones(2, dtype=torch.complex64), torch.ones(2, dtype=torch.complex128), torch.eye(2).to_sparse(),
                    torch.ones(2).to(torch.float8_e4m3fn), torch.ones(2, dtype=torch.uint16), torch.ones(2, device="meta"),
                    torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8), torch.ones(2, dtype=torch.complex64).conj(), attributes,
                    torch.nested.nested_tensor([torch.ones(2), torch.ones(1)])],
        "untyped": torch.ones(2).untyped_storage(), "typed": torch.arange(3).storage(),
        "optimizer": {"state": {"fc.weight": {"momentum_buffer": torch.ones(2)}}, "param_groups": []},
    }


def main(folder):
    os.makedirs(folder, exist_ok=True)
    repeatable()
    expected = {}

    def put(file, save, obj, sd=None, form="pth (zip)", wrapper="", metadata=None):
        path = os.path.join(folder, file)
        save(path, obj)
        size = os.path.getsize(path)
        assert size <= 20 << 10, f"{file} has {size} bytes"
        if sd is None:
            return
        if form == "safetensors":
            loaded, _ = load_safetensors(path)
        else:
            loaded = torch.load(path, weights_only=True)
            for key in filter(None, wrapper.split(".")):
                loaded = loaded[key]
        assert list(loaded) == list(sd) and digest(loaded) == digest(sd), file
        tensors = []
        for key, t in sd.items():
            # Safetensors does not know parameters.
            t = t.detach() if form == "safetensors" else t
            tensors.append({"name": key, "dtype": name(t.dtype), "shape": list(t.shape), "data": raw(t).hex(),
                            "parameter": isinstance(t, torch.nn.Parameter), "requires_grad": t.requires_grad})
        expected[file] = {"format": form, "wrapper": wrapper, "metadata": metadata, "sha256": digest(sd), "tensors": tensors}

    legacy = "pth (legacy, before PyTorch 1.6)"
    meta = {"format": "pt", "classes": '["ants","bees"]', "note": 'é "quoted" \\ \n'}
    for sd, stem in ((all_dtypes(), "dtypes"), (layouts(), "layouts"), (parameters(), "parameters")):
        put(f"{stem}.pth", save_zip, sd, sd)
        put(f"{stem}-legacy.pth", save_legacy, sd, sd, legacy)
        put(f"{stem}.safetensors", lambda p, s: save_safetensors(p, s, meta), sd, sd, "safetensors", metadata=meta)
    put("parameters-zip64.pth", save_zip64, parameters(), parameters())
    put("parameters-zip64-stream.pth", lambda p, o: save_zip64(p, o, stream=True), parameters(), parameters())
    put("parameters-old.pth", save_old, parameters(), parameters(), legacy)
    put("layouts-old.pth", save_old, layouts(), layouts(), legacy)
    put("safetensors-plain.safetensors", save_safetensors, OrderedDict(a=torch.ones(2)), OrderedDict(a=torch.ones(2)), "safetensors")
    put("nothing.pth", save_zip, OrderedDict(), OrderedDict())

    # Module.state_dict sets the attribute _metadata of the OrderedDict.
    n = net()
    put("module.pth", save_zip, n.state_dict(), n.state_dict())
    put("module-legacy.pth", save_legacy, n.state_dict(), n.state_dict(), legacy)
    optimizer = torch.optim.SGD(n.parameters(), lr=0.001, momentum=0.9)
    n(torch.ones(1, 1, 6, 6)).sum().backward()
    optimizer.step()
    for save, stem, form in ((save_zip, "wrapped.pth", "pth (zip)"), (save_legacy, "wrapped-legacy.pth", legacy)):
        put(stem, save, {"epoch": 3, "best": 0.94, "name": "net", "args": [1, (2, 3)], "none": None,
                         "state_dict": n.state_dict(), "optimizer": optimizer.state_dict()}, n.state_dict(), form, "state_dict")

    # A training's checkpoint with everything in it, nested as deeply as in real files.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for save, stem, form in ((save_zip, "beside.pth", "pth (zip)"), (save_legacy, "beside-legacy.pth", legacy)):
            values = {k: v for k, v in beside().items() if form != legacy or k not in ("tensors", "untyped")}  # the old format has none
            if form == legacy:
                values["tensors"] = [torch.ones(2, dtype=torch.complex64), torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint32)]
            put(stem, save, {**values, "net": {"epoch": 3, "state_dict": n.state_dict()}}, n.state_dict(), form, "net.state_dict")
        three = {"epoch": 3, "model": n.state_dict()}
        put("protocol3.pth", lambda p, o: torch.save(o, p, pickle_protocol=3), three, n.state_dict(), wrapper="model")
        put("protocol3-legacy.pth", lambda p, o: torch.save(o, p, pickle_protocol=3, _use_new_zipfile_serialization=False),
            three, n.state_dict(), legacy, "model")
    torch.serialization.set_crc32_options(False)
    put("checksums-none.pth", save_zip, n.state_dict(), n.state_dict())
    torch.serialization.set_crc32_options(True)

    # These are refused; checkpoint's tests know the messages.
    put("refused-two.pth", save_zip, {"model": n.state_dict(), "ema": n.state_dict()})
    put("refused-model.pth", save_zip, net())
    put("refused-model-legacy.pth", save_legacy, torch.nn.Identity())  # holds the source of its class
    put("refused-script.pth", lambda p, m: torch.jit.script(m).save(p), torch.nn.Linear(2, 2))
    put("refused-list.pth", save_zip, [torch.ones(2)])
    put("refused-mixed.pth", save_zip, OrderedDict(w=torch.ones(2), epoch=3))
    put("refused-sparse.pth", save_zip, OrderedDict(w=torch.eye(2).to_sparse()))
    put("refused-complex.pth", save_zip, OrderedDict(w=torch.ones(2, dtype=torch.complex64)))
    put("refused-protocol4.pth", lambda p, o: torch.save(o, p, pickle_protocol=4), OrderedDict(w=torch.ones(2)))
    put("refused-nothing-inside.pth", save_zip, {"epoch": 3, "state_dict": {}})

    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(expected, f, indent=1, sort_keys=True)
        f.write("\n")
    print(f"{len(expected)} files that are read, and those that are refused, in {folder}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "checkpoint", "testdata"))
