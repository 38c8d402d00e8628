#!/usr/bin/env python3
"""Writes checkpoint/testdata/hostile.zip: files of weights that must not be read, and messages.json, which says
what the reader must say of each.

    python scripts/make_hostile.py        needs nothing but Python

The files are small: those that would take much memory or time if they were believed claim it in few bytes.
None of them contains anything that does harm when it is run.
"""
import binascii
import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
import zlib

OUT = os.path.join(os.path.dirname(__file__), "..", "checkpoint", "testdata", "hostile.zip")
CASES = {}


def case(file, data, message):
    assert file not in CASES, file
    CASES[file] = (data, message)


# Pickles of protocol 2, by hand.

def text(s):
    b = s if isinstance(s, bytes) else s.encode()
    return b"X" + struct.pack("<I", len(b)) + b


def integer(n):
    if 0 <= n < 256:
        return b"K" + bytes([n])
    if -2**31 <= n < 2**31:
        return b"J" + struct.pack("<i", n)
    return b"\x8a\x08" + struct.pack("<q", n)


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def tup(*parts):
    return b"(" + b"".join(parts) + b"t"


def ints(*ns):
    return tup(*map(integer, ns))


def pickled(*parts):
    return b"\x80\x02" + b"".join(parts) + b"."


ORDERED = glob("collections", "OrderedDict") + b")R"
REBUILD = glob("torch._utils", "_rebuild_tensor_v2")
NONE, TRUE, FALSE = b"N", b"\x88", b"\x89"


def storage(key="0", numel=6, kind="FloatStorage", tail=b""):
    return tup(text("storage"), glob("torch", kind), text(key), text("cpu"), integer(numel), tail) + b"Q"


def tensor(shape=(2, 3), stride=(3, 1), offset=0, grad=FALSE, hooks=ORDERED, more=b"", **of):
    size = shape if isinstance(shape, bytes) else ints(*shape)
    steps = stride if isinstance(stride, bytes) else ints(*stride)
    start = offset if isinstance(offset, bytes) else integer(offset)
    return REBUILD + tup(of.get("at") or storage(**of), start, size, steps, grad, hooks, more) + b"R"


def state(**entries):
    return b"}(" + b"".join(text(k) + v for k, v in entries.items()) + b"u"


GOOD = pickled(state(w=tensor()))
SIX = struct.pack("<6f", *range(6))


# Zip files, by hand.

class Member:
    def __init__(self, name, data, **changes):
        self.name, self.data = name.encode() if isinstance(name, str) else name, data
        self.method, self.flags, self.crc = 0, 0, binascii.crc32(data)
        self.size = self.packed = len(data)
        self.local = {}  # fields with other values in the local header
        self.central = {}  # fields with other values in the directory
        self.before = self.after = b""
        self.extra = b""  # in the directory
        self.disk = self.attributes = 0
        for k, v in changes.items():
            assert hasattr(self, k), k
            setattr(self, k, v)


def zipped(*members, comment=b"", count=None, disk=0, shift=0, size_shift=0, middle=b"", tail=b"", zip64=None, inside=b""):
    out, directory = b"", b""
    for m in members:
        out += m.before
        v = dict(name=m.name, method=m.method, flags=m.flags, crc=m.crc, packed=m.packed, size=m.size, offset=len(out))
        c, v = {**v, **m.central}, {**v, **m.local}
        out += b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, v["flags"], v["method"], 0, 33, v["crc"], v["packed"], v["size"],
                                           len(v["name"]), 0) + v["name"] + m.data + m.after
        directory += b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, c["flags"], c["method"], 0, 33, c["crc"], c["packed"], c["size"],
                                                 len(c["name"]), len(m.extra), 0, m.disk, 0, m.attributes, c["offset"]) + c["name"] + m.extra
    directory += inside
    out += middle
    start = len(out) + shift
    n = len(members) if count is None else count
    out += directory
    if zip64:
        at = len(out)
        z = dict(size=44, disk=0, first=0, here=n, count=n, length=len(directory), start=start, at=at, locator=0, disks=1)
        z.update(zip64)
        out += b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", z["size"], 45, 45, z["disk"], z["first"], z["here"], z["count"], z["length"], z["start"])
        out += b"PK\x06\x07" + struct.pack("<IQI", z["locator"], z["at"], z["disks"])
    out += b"PK\x05\x06" + struct.pack("<HHHHIIH", disk, disk, n, n, len(directory) + size_shift, start, len(comment)) + comment
    return out + tail


def pth(pickle=GOOD, data=SIX, *more, **how):
    return zipped(Member("a/data.pkl", pickle), Member("a/data/0", data), *more, **how)


def zip_cases():
    rest = (Member("a/data/0", SIX), Member("a/version", b"3\n"))
    p = Member("a/data.pkl", GOOD)

    def odd(file, message, name="a/x", data=b"hello", **changes):
        case(f"zip-{file}.pth", zipped(p, *rest, Member(name, data, **changes)), message)

    good = pth()
    case("zip-half.pth", good[:len(good) // 2], "it is cut short: its pickle lists 1 tensors of 24 bytes")
    case("zip-cut-in-pickle.pth", good[:80], "the directory at its end is missing")
    case("zip-without-end.pth", good[:-22], "the zip directory at its end is missing")
    case("zip-cut-in-end.pth", good[:-1], "cut short within its last record")
    case("zip-signature-alone.pth", b"PK\x03\x04", "it is a zip file cut short")
    case("zip-trailing.pth", good + b"garbage", "7 bytes follow the end of the zip file")
    case("zip-twice.pth", good + good, "bytes are missing or too many")
    case("zip-comment.pth", pth(comment=b"hello"), "has a comment of 5 bytes")
    case("zip-empty.pth", zipped(), "a zip file without a data.pkl")
    case("zip-of-something.pth", zipped(Member("readme.txt", b"hello")), 'it has one member, "readme.txt"')
    case("zip-two-pickles.pth", zipped(p, *rest, Member("b/data.pkl", GOOD)), "it has two pickles, a/data.pkl and b/data.pkl")
    case("zip-other-folder.pth", zipped(p, *rest, Member("b/x", b"")), 'its zip member "b/x" lies outside "a/"')
    case("zip-script.pth", zipped(p, *rest, Member("a/constants.pkl", b"")), "it is a TorchScript program")
    case("zip-big-endian.pth", zipped(p, *rest, Member("a/byteorder", b"big")), 'its numbers are "big"-endian')
    case("zip-version-empty.pth", zipped(p, rest[0], Member("a/version", b"")), "its record version is empty")
    case("zip-no-data.pth", zipped(p), 'the data of storage "0" is missing')
    case("zip-data-short.pth", pth(data=SIX[:-4]), 'storage "0" should have 6 elements of float32, its data has 20 bytes')
    case("zip-data-long.pth", pth(data=SIX + b"\0"), 'storage "0" should have 6 elements of float32, its data has 25 bytes')
    case("zip-data-nobodys.pth", zipped(p, *rest, Member("a/data/1", SIX)), 'the data of storage "1" is in the file, but nothing refers to it')

    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(bytes(1 << 20)) + bomb.flush()
    case("zip-deflated.pth", zipped(Member("a/data.pkl", packed, method=8, size=1 << 20, crc=0)), "is compressed (method 8)")
    case("zip-bomb.pth", zipped(p, Member("a/data/0", packed, method=8, size=0xfffffff0)), "is compressed (method 8)")
    odd("bomb-stored", "is stored, but its 5 bytes stand for 4294967280", size=0xfffffff0)
    odd("encrypted", "is encrypted", flags=1)
    odd("same-name", 'two zip members have the name "a/data/0"', name="a/data/0")
    odd("absolute", 'the zip member "/etc/passwd" has an absolute name', name="/etc/passwd")
    odd("drive", 'the zip member "C:x" has an absolute name', name="C:x")
    odd("dots", 'the zip member "a/../../x" has a name with .. in it', name="a/../../x")
    odd("backslash", "the zip member name \"a\\\\x\" is none", name="a\\x")
    odd("name-empty", 'the zip member name "" is none', name="")
    odd("name-zero", "is none", name="a/x\0y")
    odd("name-latin1", "is none", name=b"a/\xe9")
    odd("folder-attribute", 'the zip member "a/x" is a folder', attributes=0x10)
    odd("folder", 'the zip member "a/b/" is a folder', name="a/b/", data=b"")
    odd("disk", "begins in another part of a zip file in several parts", disk=1)
    odd("encrypted-strongly", "is encrypted", flags=0x40)
    case("zip-packed.pth", zipped(Member("x/", b""), Member("x/best.pth", packed, method=8, size=1 << 20)), 'it is a zip file with "x/best.pth" in it: unpack it')
    odd("crc", "the zip member \"a/x\": its checksum is 3610a686, it should be 00000001: the file is damaged", crc=1)
    odd("local-name", "its own header calls it \"a/y\"", local={"name": b"a/y"})
    odd("local-size", "its own header and the zip directory disagree", local={"size": 4})
    odd("local-method", "its own header and the zip directory disagree", local={"method": 8})
    odd("local-flags", "its own header and the zip directory disagree", local={"flags": 1})
    odd("header-missing", "there is no header at byte", central={"offset": 0}, before=b"")
    CASES["zip-overlap.pth"] = (CASES.pop("zip-header-missing.pth")[0], "overlap")
    odd("inside-another", "overlap", central={"offset": 40})
    odd("gap", 'the 4 bytes before the zip member "a/x" belong to nothing', before=b"gap!")
    odd("gap-after", "the 4 bytes before the zip directory belong to nothing", after=b"gap!")
    odd("descriptor-wrong", "before the zip directory belong to nothing", flags=8, after=b"PK\x07\x08" + struct.pack("<III", 1, 5, 5))
    odd("size-past-end", "reach past the members' end", packed=0x7fffffff, size=0x7fffffff)
    odd("offset-past-end", "belong to nothing", central={"offset": 0x7fffffff})
    odd("zip64-short", "its zip64 field is too short", central={"size": 0xffffffff}, extra=struct.pack("<HHI", 1, 4, 0))
    odd("zip64-huge", "is stored, but its", central={"size": 0xffffffff, "packed": 0xffffffff}, extra=struct.pack("<HHQQ", 1, 16, 2**63, 2**64 - 1))
    odd("zip64-past-end", "reach past the members' end", central={"size": 0xffffffff, "packed": 0xffffffff}, extra=struct.pack("<HHQQ", 1, 16, 2**64 - 9, 2**64 - 9))
    case("zip-before.pth", zipped(Member("a/data.pkl", GOOD, before=b"PK!!"), *rest), 'the 4 bytes before the zip member "a/data.pkl" belong to nothing')
    case("zip-split.pth", pth(disk=1), "it is a part of a zip file in several parts")
    case("zip-directory-early.pth", pth(shift=-1), "bytes are missing or too many")
    case("zip-directory-late.pth", pth(shift=1), "bytes are missing or too many")
    case("zip-directory-far.pth", pth(shift=0x7fffff00), "bytes are missing or too many")
    case("zip-directory-short.pth", pth(size_shift=-1), "bytes are missing or too many")
    case("zip-hole.pth", pth(middle=b"hidden"), "the 6 bytes before the zip directory belong to nothing")
    case("zip-many.pth", pth(count=5000), "too few for 5000 members")
    case("zip-count-more.pth", zipped(p, *rest, count=4), "too few for 4 members")
    case("zip-count-less.pth", zipped(p, *rest, count=2), "bytes follow the last member of its zip directory")
    case("zip-directory-entry.pth", pth(inside=b"PK\x01\x03" + bytes(60), count=3), "member 2 of its zip directory is no directory entry")
    case("zip-directory-name.pth", pth(inside=b"PK\x01\x02" + bytes(24) + b"\xff\xff" + bytes(16), count=3), "reaches past the directory's end")
    case("zip64-elsewhere.pth", pth(zip64={"at": 1}), "its zip64 records disagree")
    case("zip64-length.pth", pth(zip64={"size": 45}), "its zip64 records disagree")
    for field, n in (("disk", 1), ("first", 1), ("here", 0x1004000000000002), ("locator", 1), ("disks", 0), ("disks", 2)):
        case(f"zip64-{field}-{n & 15}.pth", pth(zip64={field: n}), "its zip64 records say that it is a part of a zip file in several parts")
    case("zip64-count.pth", pth(zip64={"count": 3, "here": 3}), "its zip directory and its zip64 directory disagree")
    case("zip64-start.pth", pth(zip64={"start": 2**64 - 1}), "its zip directory and its zip64 directory disagree")


def pickle_cases():
    def bad(file, pickle, message):
        case(f"pickle-{file}.pth", pth(pickle), message)

    def value(file, v, message):
        bad(file, pickled(v), message)

    # The issue's own example, with the global at byte 132 of the pickle.
    lead = b"\x80\x02" + text("x" * 125)
    assert len(lead) == 132
    bad("os-system", lead + glob("os", "system") + text("true") + b"\x85R.",
        "global os.system at byte 132 is not allowed: this file would run code in PyTorch")
    for module, name in (("posix", "system"), ("__builtin__", "eval"), ("builtins", "exec"), ("builtins", "getattr"),
                         ("subprocess", "Popen"), ("torch", "load"), ("torch.hub", "load"), ("torch._utils", "_import_dotted_name"),
                         ("collections", "OrderedDict.__reduce__"), ("builtins", "frozenset"), ("torch", "FloatStorage.from_file"), ("", "")):
        value(f"global-{module or 'empty'}-{name or 'empty'}".replace("/", ""), glob(module, name),
              f"global {module.replace('__builtin__', 'builtins')}.{name} at byte 2 is not allowed: this file would run code in PyTorch")
    value("global-quantized", glob("torch", "QInt8Storage"), "it holds torch.QInt8Storage, not a state dict")
    value("global-sparse", state(w=glob("torch._utils", "_rebuild_sparse_tensor") + b")R"), 'its entry "w" is a sparse tensor, not a tensor of a network')
    for name, g in (("numpy", ("numpy.core.multiarray", "scalar")), ("path", ("pathlib", "PosixPath")), ("time", ("datetime", "datetime"))):
        value(f"global-{name}", b"}(" + text("net") + state(w=tensor()) + text("best") + glob(*g) + b")Ru",
              f'"best" is an object of {".".join(g)}, which Python alone can make; if you trust the file, load it there and '
              'save only the weights with torch.save(torch.load(FILE, weights_only=False)["net"], NEW)')
    value("global-deep", state(run=b"}(" + text("net") + state(w=tensor()) + text("best") + glob("pathlib", "Path") + b")Ru"),
          'torch.save(torch.load(FILE, weights_only=False)["run"]["net"], NEW)')
    value("global-namespace", b"}(" + text("args") + glob("argparse", "Namespace") + b")\x81}bu",
          '"args" is an object of argparse.Namespace, which Python alone can make; if you trust the file, load it there and '
          "save only the weights with torch.save(torch.load(FILE, weights_only=False)[KEY], NEW), where KEY is that of the state dict")
    value("global-model-inside", b"}(" + text("model") + glob("mymodels", "Net") + b")\x81" + state(training=TRUE, _parameters=b"}") + b"bu", "this is a whole pickled model")
    value("global-model", glob("torchvision.models.resnet", "ResNet"), "this is a whole pickled model")
    value("global-own-model", glob("mymodels", "Net") + b")\x81", "global mymodels.Net at byte 2 is not allowed: this is a whole pickled model")
    value("global-own-model-kept", glob("mymodels", "Net") + b"q\0)\x81", "this is a whole pickled model")
    value("global-long", glob("a" * 300, "b"), "the name at byte 2 is longer than 256 bytes")
    value("global-latin1", b"c\xe9\nb\n", "the string at byte 2 is not UTF-8")
    bad("global-cut", b"\x80\x02cos", "the name at byte 2 has no end")
    value("module", tup(text("module"), glob("torch", "Size"), NONE, NONE) + b"Q", "this is a whole pickled model")

    bad("empty", b"", "the pickle is cut short")
    bad("no-proto", b"}.", "byte 0 is 0x7d, no beginning of a pickle")
    bad("proto4", b"\x80\x04\x95" + bytes(8) + b"}.", "a pickle of protocol 4")
    bad("proto0", b"\x80\x00}.", "a pickle of protocol 0")
    bad("cut", GOOD[:-5], "the pickle is cut short")
    bad("without-stop", GOOD[:-1], "the pickle is cut short")
    bad("trailing", GOOD + b"\0", "data.pkl: 1 bytes follow the end of the pickle")
    bad("two", GOOD + GOOD, "bytes follow the end of the pickle")
    value("left", b"K\1}", "leaves values behind")
    value("mark-left", b"(}", "leaves values behind")
    value("mark-left-below", b"}(K\1", "leaves values behind")
    bad("stop-alone", b"\x80\x02.", "opcode 0x2e at byte 2 finds the stack empty")
    value("no-mark", b"t", "opcode 0x74 at byte 2 finds no mark")
    value("append-nothing", b"e", "finds no mark")
    value("tuple-of-mark", b"}(\x86", "finds the stack empty")
    value("memo", b"h\5", "byte 2 asks for value 5, which the pickle has not kept")
    value("memo-far", b"j\xff\xff\xff\xff", "asks for value 4294967295")
    for op, name in ((b"\x93", "stack-global"), (b"i", "inst"), (b"o", "obj"), (b"\x92", "newobj-ex"), (b"\x82\1", "ext"), (b"P0\n", "persid"),
                     (b"0", "pop"), (b"2", "dup"), (b"I1\n", "int"), (b"C\0", "bytes"), (b"\x95" + bytes(8), "frame"), (b"\x90", "set"), (b"\xff", "none")):
        value(f"opcode-{name}", op, f"opcode 0x{op[0]:02x} at byte 2 does not occur in state dicts")
    value("string-long", b"X\xff\xff\xff\x7fabc", "the pickle is cut short: 2147483647 bytes are wanted")
    value("string-longer", b"X\xff\xff\xff\xffabc", "the pickle is cut short: 4294967295 bytes are wanted")
    value("string-latin1", b"X\1\0\0\0\xe9", "the string at byte 2 is not UTF-8")
    value("long", b"\x8a\x09" + bytes(9), "it holds an integer of 9 bytes, not a state dict")
    value("string-half-surrogate", text(b"\xed\xa0\x80") + text(b"\xed\x80"), "is not UTF-8")
    value("reduce-string", text("os.system") + b")R", "would call a string")
    value("reduce-list", ORDERED[:-2] + b"]R", "has a list of 0 for its arguments")
    value("reduce-dtype", glob("torch", "float32") + b")R", "calls torch.float32 with arguments that no state dict has")
    value("ordered-items", glob("collections", "OrderedDict") + b"](K\1K\2e\x85R", "calls collections.OrderedDict with arguments")
    twice = b"(" + (b"](" + text("w") + NONE + b"e") * 2 + b"e"
    value("ordered-twice", glob("collections", "OrderedDict") + b"]" + twice + b"\x85R", 'the key "w" occurs twice in a dict')
    value("ordered-cycle", glob("collections", "OrderedDict") + b"]q\0](" + text("w") + b"h\0ea\x85R", "the pickle is a cycle")
    value("newobj", glob("collections", "OrderedDict") + b")\x81", "opcode 0x81 at byte 28 does not occur in state dicts")
    value("build-list", b"]}b", "sets attributes of a list of 0")
    value("build-dict", b"}" + state(__class__=b"K\1") + b"b", "sets attributes of a dict of 0")
    value("append-dict", b"}K\1a", "the pickle appends to a dict of 0")
    value("set-list", b"]K\1K\1s", "the pickle sets items of a list of 0")
    value("items-odd", b"}(K\1u", "a key without a value")
    value("key-tuple", b"})" + tensor() + b"s", "a tensor has a tuple of 0 for a name")
    value("key-float", b"}G" + bytes(8) + tensor() + b"s", "a tensor has a float for a name")
    value("key-list", b"}]K\1s", "a dict has a list of 0 for a key at byte")
    value("key-twice", b"}(" + (text("w") + tensor()) * 2 + b"u", "the key \"w\" occurs twice in a dict")
    value("cycle-list", b"]q\0h\0a", "the pickle is a cycle: a list of 1 holds itself")
    value("cycle-dict", b"}q\0" + text("w") + b"h\0s", "the pickle is a cycle: a dict of 1 holds itself")
    value("cycle-state-dict", b"}q\0" + text("state_dict") + b"}" + text("a") + b"h\0ss", "the pickle is a cycle")
    value("cycle-tuple", b"]q\0h\0\x85\x85a", "the pickle is a cycle")
    value("deep-tuples", b")" + b"\x85" * 200, "nests values more than 100 deep")
    value("deep-lists", b"]" * 200 + b"a" * 199, "nests values more than 100 deep")
    value("deep-dicts", b"}" * 200 + b"", "leaves values behind")
    value("deep-shared", b"K\1\x85" + b"".join(b"q\0h\0\x86" for _ in range(150)), "nests values more than 100 deep")
    value("deep-marks", b"(" * 200, "more than 100 values are open in one another")

    # Values that are not a state dict.
    value("is-list", b"](" + tensor() + b"e", "it holds a list of 1, not a state dict")
    value("is-tensor", tensor(), "it holds a tensor, not a state dict")
    value("is-none", NONE, "it holds None, not a state dict")
    value("is-float", b"G" + bytes(8), "it holds a float, not a state dict")
    value("is-global", glob("torch", "float32"), "it holds torch.float32, not a state dict")
    value("mixed", state(w=tensor(), epoch=b"K\3"), 'its entry "epoch" is an integer, not a tensor of a network')
    value("mixed-inside", state(model=state(w=tensor(), epoch=b"K\3")), 'its "model" is no state dict: its entry "epoch" is an integer')
    value("two-inside", state(model=state(w=tensor()), ema=state(w=tensor())), 'it holds 2 state dicts, "model", "ema": choose one by adding its name to the file\'s, as in FILE#model')
    value("optimizer-alone", state(optimizer=state(state=state(w=state(momentum=tensor())), param_groups=b"]")), "and no state dict among its values")
    value("complex-storage", state(w=tensor(kind="ComplexFloatStorage", numel=3, shape=(3,), stride=(1,))), 'the tensor "w" has its data in a ComplexFloatStorage')
    value("none-inside", state(epoch=b"K\3", arch=text("resnet18")), 'it holds a dict with the keys "epoch", "arch", and no state dict among its values')
    value("no-floats-inside", state(rng=state(cpu=tensor(kind="LongStorage", numel=3, shape=(3,), stride=(1,)))), "and no state dict among its values")
    value("name-empty", b"}" + text("") + tensor() + b"s", "a tensor has an empty name")
    value("name-control", b"}" + text("w\x1b[31m") + tensor() + b"s", "has a control character in it")
    value("name-integer", b"}K\1" + tensor() + b"s", "a tensor has 1 for a name")
    parameter = glob("torch.nn.parameter", "Parameter") + tensor() + b"\x85R"
    value("parameter-hooks", state(w=parameter + tup(TRUE, FALSE, state(h=b"K\1")) + b"b"), "has backward hooks, which are code")
    value("parameter-short", state(w=parameter + tup(TRUE, FALSE) + b"b"), "sets attributes of a tensor that no state dict has")
    value("parameter-number", state(w=parameter + tup(b"K\1", FALSE, NONE) + b"b"), "sets attributes of a tensor that no state dict has")
    value("parameter-without-data", state(w=glob("torch.nn.parameter", "Parameter") + b")\x81"), "opcode 0x81 at byte 41 does not occur in state dicts")


def tensor_cases():
    def bad(file, message, data=SIX, **how):
        case(f"tensor-{file}.pth", pth(pickled(state(w=tensor(**how))), data), message)

    far = 2**62
    bad("offset", "it reaches element 6 of a storage of 6", offset=1)
    bad("offset-negative", "it begins at element -1 of a storage of 6", offset=-1)
    bad("offset-far", f"it begins at element {2**63 - 1} of a storage of 6", offset=2**63 - 1)
    bad("offset-empty", "it begins at element 7 of a storage of 6", shape=(0,), stride=(1,), offset=7)
    bad("offset-float", "has a storage for a storage and a float for an offset", offset=b"G" + bytes(8))
    bad("shape", "it reaches element 8 of a storage of 6", shape=(3, 3))
    bad("shape-negative", "its shape [-2 3] has a negative size", shape=(-2, 3))
    bad("shape-both-negative", "its shape [-2 -3] has a negative size", shape=(-2, -3))
    bad("shape-far", "has more elements than 63 bits can count", shape=(far, far))
    bad("shape-wraps", "has more elements than 63 bits can count", shape=(2**32, 2**32), stride=(0, 0))
    bad("shape-hidden-by-zero", "has more elements than 63 bits can count", shape=(far, far, 0), stride=(0, 0, 0))
    bad("shape-list", "has a list of 0 for its sizes or strides", shape=b"]")
    bad("shape-string", "has a string among its sizes or strides", shape=tup(text("2"), text("3")))
    bad("shape-none", "has None for its sizes or strides", shape=NONE)
    bad("dimensions", "has 65 dimensions, PyTorch's most is 64", shape=(1,) * 65, stride=(1,) * 65)
    bad("stride", "it reaches element 7 of a storage of 6", stride=(5, 1))
    bad("stride-negative", "its strides [-3 1] have a negative one", stride=(-3, 1))
    bad("stride-far", "reach further than 63 bits can count", shape=(3, 3), stride=(far, far))
    bad("stride-wraps", "reach further than 63 bits can count", shape=(5,), stride=(far,))
    bad("stride-missing", "it has 2 sizes but 1 strides", stride=(3,))
    bad("expanded", "takes more than 24 MiB", shape=(2**40, 6), stride=(0, 1))
    bad("expanded-far", "takes more than 24 MiB", shape=(2**60, 6), stride=(0, 1))
    bad("storage-negative", 'storage "0" cannot have -1 elements', numel=-1)
    bad("storage-far", f'storage "0" cannot have {far} elements', numel=far)
    bad("storage-wraps", f'storage "0" cannot have {2**62 + 6} elements', numel=2**62 + 6)
    bad("storage-more", 'storage "0" should have 7 elements of float32, its data has 24 bytes', numel=7)
    bad("storage-key", 'the data of storage "../0" is missing', key="../0")
    bad("storage-class", "in a way that PyTorch does not", kind="Size")
    bad("storage-id", "it refers to a tuple of 6 outside the pickle", tail=NONE)
    bad("storage-none", "has None for a storage", at=NONE)
    bad("storage-string", "it refers to a string outside the pickle", at=text("0") + b"Q")
    bad("bool", "byte 2 of a bool tensor is 7, not 0 or 1", shape=(6,), stride=(1,), kind="BoolStorage", data=b"\0\1\7\0\1\0")
    bad("conjugated", 'its entry "w" is a conjugated or negated tensor', more=state(conj=TRUE))
    bad("hooks", "has backward hooks, which are code", hooks=state(hook=b"K\1"))
    bad("hooks-list", "has backward hooks, which are code", hooks=b"]")
    bad("grad", "with arguments that no state dict has", grad=b"K\1")
    two = pickled(state(w=tensor(), v=tensor(kind="IntStorage")))
    case("tensor-two-types.pth", pth(two), 'storage "0" is 6 elements of float32 in one place and 6 of int32 in another')
    two = pickled(state(w=tensor(), v=tensor(numel=5, shape=(5,), stride=(1,))))
    case("tensor-two-sizes.pth", pth(two), 'storage "0" is 6 elements of float32 in one place and 5 of float32 in another')


def legacy_cases():
    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    system = pickled(state(protocol_version=integer(1001), little_endian=TRUE))
    sd = pickled(state(w=tensor(tail=NONE)))
    keys = pickled(b"](" + text("0") + b"e")
    data = struct.pack("<q", 6) + SIX

    def bad(file, message, version=pickled(integer(1001)), system=system, sd=sd, keys=keys, data=data):
        case(f"legacy-{file}.pth", magic + version + system + sd + keys + data, message)

    def view(v):
        return pickled(state(w=tensor(shape=(2,), stride=(1,), tail=v)))

    case("legacy-cut-in-magic.pth", magic[:9], "it is cut short within its first 15 bytes")
    case("legacy-magic-alone.pth", magic, "its version: the pickle is cut short")
    bad("version", "its version is 1002, the only one in use was 1001", version=pickled(integer(1002)))
    bad("big-endian", "its numbers are not little-endian", system=pickled(state(protocol_version=integer(1001), little_endian=FALSE)))
    bad("system-version", "its version is 1000, this reader takes 1001", system=pickled(state(protocol_version=integer(1000), little_endian=TRUE)))
    bad("system-list", "its facts about the machine are a list of 0", system=pickled(b"]"))
    bad("system-code", "global os.system at byte", system=pickled(glob("os", "system")))
    bad("storage-in-system", "refers to a value outside the pickle", system=pickled(text("0") + b"Q"))
    bad("code", "is not allowed: this file would run code in PyTorch", sd=pickled(glob("os", "system") + text("true") + b"\x85R"))
    bad("keys-missing", 'the data of storage "0" is missing', keys=pickled(b"]"), data=b"")
    bad("keys-twice", 'the data of storage "0" is in the file twice', keys=pickled(b"](" + text("0") * 2 + b"e"), data=data * 2)
    bad("keys-other", 'the data of storage "1" is in the file, but nothing refers to it', keys=pickled(b"](" + text("1") + b"e"))
    bad("keys-numbers", "the data of storage 0 is in the file, but nothing refers to it", keys=pickled(b"](K\0e"))
    bad("keys-dict", "the list of its storages is a dict of 0", keys=pickled(b"}"))
    bad("keys-code", "the list of its storages: global os.system", keys=pickled(glob("os", "system")))
    bad("no-data", 'it is cut short before the data of storage "0"', data=b"")
    bad("data-cut", "it is cut short: the data of storage \"0\" takes 24 bytes", data=data[:-1])
    bad("data-more", "1 bytes follow the data of the last storage", data=data + b"\0")
    bad("data-size", 'storage "0" should have 6 elements', data=struct.pack("<q", 7) + SIX)
    bad("data-size-negative", 'storage "0" should have 6 elements', data=struct.pack("<q", -1) + SIX)
    bad("view-outside", 'storage "1" is elements 5 and 2 more of storage "0", which has 6', sd=view(tup(text("1"), integer(5), integer(2))))
    bad("view-negative", "is elements -1 and 2 more", sd=view(tup(text("1"), integer(-1), integer(2))))
    bad("view-far", f"is elements {2**63 - 1} and {2**63 - 1} more", sd=view(tup(text("1"), integer(2**63 - 1), integer(2**63 - 1))))
    bad("view-string", 'storage "0" has a string for its view', sd=view(text("x")))
    bad("view-odd", "has a view that PyTorch does not make", sd=view(tup(integer(1), integer(0), integer(2))))


def tar_cases():
    def archive(*members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as tar:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return out.getvalue()

    packed = archive(("models/", b""), ("models/best.pth", pth()))
    case("tar-weights.pth", packed, 'it is a tar archive with "models/best.pth" in it: unpack it with tar -xf, and name that file')
    case("tar-notes.pth", archive(("notes.txt", b"hello")), "it is a tar archive without a file of weights in it")
    case("tar-cut.pth", packed[:1100], "it is a tar archive that is damaged or cut short; get it again")
    case("tar-damaged.pth", packed[:100] + b"7" + packed[101:], "it is a tar archive that is damaged or cut short; get it again")
    case("tar-other-magic.pth", packed[:257] + b"xstar" + packed[262:], "it is neither a file of PyTorch's nor safetensors")
    of_2017 = archive(*((name, pickled(b"]")) for name in ("sys_info", "pickle", "tensors", "storages")))
    case("tar-2017.pth", of_2017, "it has the tar format of PyTorch in 2017, which torch.load refuses too: if you trust the file, "
         "convert it in Python with torch.save(torch.load(FILE, weights_only=False), NEW)")


def safetensors_cases():
    def file(header, data=SIX, length=None):
        h = header if isinstance(header, bytes) else header.encode()
        return struct.pack("<Q", len(h) if length is None else length) + h + data

    def bad(name, header, message, data=SIX, length=None):
        case(f"{name}.safetensors", file(header, data, length), message)

    good = '{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'

    def one(name, message, dtype='"F32"', shape="[2,3]", offsets="[0,24]", data=SIX, key='"w"', more="", text=None):
        bad(name, text or f'{{{key}:{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{more}}}}}', message, data)

    def two(name, message, a, b, data=SIX):
        u8 = lambda o: f'{{"dtype":"U8","shape":[{max(o[1] - o[0], 0)}],"data_offsets":[{o[0]},{o[1]}]}}'
        bad(name, f'{{"a":{u8(a)},"b":{u8(b)}}}', message, data)

    case("short.safetensors", b"\x10\0\0\0\0\0\0\0{", "its safetensors header claims 16 bytes, the file has 1 after the length")
    bad("length-over-file", good, "its safetensors header claims 5000 bytes, the file has 81 after the length", length=5000)
    bad("length-over-limit", good, "its safetensors header claims 100000001 bytes, the format's limit is 100000000", length=100_000_001)
    bad("length-huge", good, f"its safetensors header claims {2**64 - 1} bytes, the format's limit", length=2**64 - 1)
    bad("length-short", good, "its safetensors header: it ends within a value", length=20)
    bad("length-zero", "{}", "its safetensors header: it does not begin with {", length=0)
    bad("not-utf8", b'{"\xff":1}', "its safetensors header is not UTF-8")
    bad("array", "{[]}", "is '[', not '\"'")
    bad("trailing-json", good + "{}", "follows its end")
    bad("trailing-form-feed", good + "\n\f", "byte 58 follows its end")
    bad("truncated-json", good[:-3], "it ends within a value")
    bad("comma", '{"a":1,}', "tensor \"a\" is not described by an object")
    one("comma-last", "is '}', not '\"'", more=",")
    one("missing-comma", "not ','", text='{"w":{"dtype":"F32" "shape":[2,3],"data_offsets":[0,24]}}')
    bad("nested", '{"w":' + "[" * 2000 + "]" * 2000 + "}", "is not described by an object")
    one("nested-shape", "begins no whole number", shape="[[2,3]]")
    bad("string-without-end", '{"w', "the string at byte 1 has no end")
    bad("string-control", '{"w\n":{}}', "is a control character in a string")
    bad("string-escape", '{"\\q":{}}', "the string at byte 1")
    bad("same-name", '{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[24],"data_offsets":[0,24]}}', 'the key "w" occurs twice')
    bad("same-name-escaped", '{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0077":{"dtype":"U8","shape":[24],"data_offsets":[0,24]}}', 'the key "w" occurs twice')
    one("same-field", 'the key "dtype" occurs twice', more=',"dtype":"U8"')
    bad("same-metadata", '{"__metadata__":{"a":"1","a":"2"}}', 'the key "a" occurs twice', b"")
    bad("metadata-twice", '{"__metadata__":{},"__metadata__":{}}', 'the key "__metadata__" occurs twice', b"")
    bad("metadata-number", '{"__metadata__":{"epoch":3}}', 'the metadata "epoch" is not a string', b"")
    bad("metadata-null", '{"__metadata__":{"epoch":null}}', 'the metadata "epoch" is not a string', b"")
    bad("metadata-object", '{"__metadata__":{"config":{}}}', 'the metadata "config" is not a string', b"")
    bad("metadata-string", '{"__metadata__":"x"}', "not '{'", b"")
    one("dtype-unknown", 'tensor "w" has the dtype "F128", which this reader does not know', dtype='"F128"')
    one("dtype-lower", 'has the dtype "f32", which this reader does not know', dtype='"f32"')
    one("dtype-number", "not '\"'", dtype="32")
    one("dtype-float8", 'has the dtype "F8_E4M3", which this reader does not know', dtype='"F8_E4M3"')
    one("unknown-field", 'tensor "w" has an unknown field "strides"', more=',"strides":[3,1]')
    for field in ("dtype", "shape", "data_offsets"):
        fields = {"dtype": '"F32"', "shape": "[2,3]", "data_offsets": "[0,24]"}
        del fields[field]
        bad(f"without-{field}", '{"w":{' + ",".join(f'"{k}":{v}' for k, v in fields.items()) + "}}", f'tensor "w" has no {field}')
    one("name-empty", "a tensor has an empty name", key='""')
    one("name-control", "has a control character in it", key='"w\\u001b"')
    one("name-control-c1", "has a control character in it", key='"w\\u009b"')
    one("shape-other", "shape [2 2] of float32 takes 16 bytes, its data has 24", shape="[2,2]")
    one("shape-negative", "begins no whole number", shape="[-2,-3]")
    one("shape-fraction", "is not whole", shape="[2.0,3]")
    one("shape-exponent", "is not whole", shape="[2e0,3]")
    one("shape-zeros", "begins no whole number", shape="[02,3]")
    one("shape-string", "begins no whole number", shape='["2","3"]')
    one("shape-null", "not '['", shape="null")
    one("shape-64-bits", "does not fit 63 bits", shape="[9223372036854775808]")
    one("shape-overflow", "has more elements than 63 bits can count", shape="[4294967296,4294967296,4294967296]")
    one("shape-wraps", "has more elements than 63 bits can count", shape="[4294967296,4294967296]", offsets="[0,0]", data=b"")
    one("shape-bytes-overflow", "has more bytes than 63 bits can count", shape="[4611686018427387904]")
    one("shape-hidden-by-zero", "has more elements than 63 bits can count", shape="[0,4294967296,4294967296]", offsets="[0,0]", data=b"")
    one("dimensions", "has more than 64 dimensions", shape="[" + ",".join(["1"] * 65) + "]", data=SIX[:4], offsets="[0,4]")
    one("offsets-one", 'the data_offsets of tensor "w" are not two', offsets="[24]")
    one("offsets-three", 'the data_offsets of tensor "w" are more than two', offsets="[0,24,24]")
    one("offsets-past-end", 'tensor "w": its data ends at byte 24, the file has 20 bytes of data', data=SIX[:-4])
    one("offsets-far", "its data ends at byte 9223372036854775807", offsets="[0,9223372036854775807]")
    one("offsets-reversed", "its data begins at byte 24 and ends before that, at 0", offsets="[24,0]")
    one("offsets-from-end", "its data ends at byte 48, the file has 24 bytes of data", offsets="[24,48]")
    one("offsets-short", "shape [2 3] of float32 takes 24 bytes, its data has 20", offsets="[0,20]")
    one("offsets-64-bits", "does not fit 63 bits", offsets="[0,18446744073709551640]")
    one("trailing-data", "1 bytes follow the data of the last tensor", data=SIX + b"\0")
    one("no-tensors-but-data", "24 bytes follow the data of the last tensor", text="{}")
    one("bool", "byte 1 of a bool tensor is 2, not 0 or 1", dtype='"BOOL"', shape="[3]", offsets="[0,3]", data=b"\1\2\0")
    one("hole-before", 'the 4 bytes of data before tensor "w" belong to no tensor', shape="[5]", offsets="[4,24]")
    two("hole", 'the 2 bytes of data before tensor "b" belong to no tensor', (0, 10), (12, 24))
    two("overlap", 'tensors "a" and "b" overlap', (0, 14), (12, 24))
    two("overlap-same", 'tensors "a" and "b" overlap', (0, 24), (0, 24))
    two("overlap-inside", 'tensors "a" and "b" overlap', (0, 24), (8, 12))


def other_cases():
    page = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>404</body></html>\n"
    case("empty.pth", b"", "it is empty")
    case("page.pth", page, "it is a web page saved under the name of a file of weights")
    case("page-space.pth", b"\xef\xbb\xbf\n  " + page.lower(), "it is a web page")
    case("page.safetensors", b"<html>  { </html>", "it is a web page")
    case("page-xml.pth", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "it is a web page")
    case("lfs.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 46830571\n",
         "it is a git-lfs pointer that stands for the 46830571 bytes of weights: fetch them with git lfs pull")
    case("lfs.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "it is a git-lfs pointer that stands for the weights")
    case("error.pth", b'{"message": "Not Found", "status": "404"}', "it is text, not weights; it begins \"{")
    case("text.pth", b"hello\n", 'it is text, not weights; it begins "hello\\n"')
    case("gzip.pth", gzip.compress(pth(), mtime=0), "it is compressed with gzip: unpack it with gunzip first")
    case("keras.pth", b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file")
    case("numpy.pth", b"\x93NUMPY\1\0", "it is a numpy array")
    case("image.pth", b"\xff\xd8\xff\xe0" + bytes(100), "it is a JPEG image, not weights")
    case("zeros.pth", bytes(4096), "it begins with nothing but zero bytes")
    case("byte.pth", b"\x80", "it is cut short within its first 15 bytes")
    case("noise.pth", bytes(range(200, 256)), "it is neither a file of PyTorch's nor safetensors: it begins with the bytes c8 c9")
    case("pickle.pth", GOOD, "it is a pickle that torch.save did not write")
    case("pickle4.pth", b"\x80\x04\x95" + bytes(8) + b"}.", "it is a pickle that torch.save did not write")


def main():
    for cases in (other_cases, zip_cases, pickle_cases, tensor_cases, legacy_cases, tar_cases, safetensors_cases):
        cases()
    messages = {file: message for file, (_, message) in CASES.items()}
    files = {"messages.json": json.dumps(messages, indent=1, sort_keys=True).encode() + b"\n"}
    files.update((file, data) for file, (data, _) in sorted(CASES.items()))
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with zipfile.ZipFile(OUT, "w") as z:
        for file, data in files.items():
            z.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    print(f"{len(CASES)} hostile files of {sum(len(d) for d, _ in CASES.values())} bytes, {os.path.getsize(OUT)} in the archive")


if __name__ == "__main__":
    main()
