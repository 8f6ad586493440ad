"""Write a pack (docs/pack-format.md): graphs without weights, fp16 safetensors, manifest.

python -m likewise.export --checkpoint runs/studio/last.pt --out ../public/packs/studio

The names of the basis elements come from likewise.elements (--names).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from .basis import target_layers
from .checkpoint import Models, build, load
from .model import PATCH
from .pack import Pack, probes

SIZE = 256
OPSET = 17


def share_constants(graph: onnx.GraphProto) -> None:
    """Keep one of constants that are equal: tracing writes the rotary table again at every use."""
    first: dict[bytes, str] = {}
    replaced: dict[str, str] = {}
    constants, others = [], []
    for node in graph.node:
        if node.op_type == "Constant":
            (value,) = node.attribute
            content = onnx.AttributeProto()
            content.CopyFrom(value)
            content.t.ClearField("name")
            kept = first.setdefault(content.SerializeToString(deterministic=True), node.output[0])
            if kept == node.output[0]:
                constants.append(node)
            else:
                replaced[node.output[0]] = kept
        else:
            others.append(node)
    if replaced.keys() & {output.name for output in graph.output}:
        raise ValueError("a constant is an output of the graph")
    for node in others:
        for at, name in enumerate(node.input):
            node.input[at] = replaced.get(name, name)
    # Constants first: a kept one may have stood after the first use of another.
    nodes = [*constants, *others]
    del graph.node[:]
    graph.node.extend(nodes)


def export_graph(
    module: nn.Module,
    path: Path,
    inputs: dict[str, Tensor],
    outputs: list[str],
    dynamic: dict[str, dict[int, str]],
    dtype: torch.dtype,
) -> None:
    """Trace ``module`` in ``dtype`` to ``path``; graph inputs are ``inputs`` and then the weights."""
    module = module.to(dtype).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(v.to(dtype) for v in inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=dynamic,
            opset_version=OPSET,
            do_constant_folding=False,
            keep_initializers_as_inputs=True,
            dynamo=False,
        )
    model = onnx.load(str(path))
    # The weights are inputs already; without their initializers they must be bound by the engine.
    names = {name for name, _ in module.named_parameters()}
    kept = [t for t in model.graph.initializer if t.name not in names]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    found = {i.name for i in model.graph.input}
    if found != {*inputs, *names}:
        raise ValueError(f"{path.name}: graph inputs differ from data and weights: {sorted(found ^ {*inputs, *names})}")
    # The exporter writes source paths and trace noise into doc strings: leave them out of a pack.
    for node in model.graph.node:
        node.doc_string = ""
    share_constants(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def export_pack(
    models: Models, out: Path, version: str = "0.1.0", element_names: list[str | None] | None = None
) -> None:
    """Write the whole pack into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    denoiser, encoder, basis = models.denoiser, models.encoder, models.basis
    basis.attach(denoiser, None)
    for block in denoiser.blocks:
        block.explicit_attention = True
    for name, dtype in (("fp32", torch.float32), ("fp16", torch.float16)):
        export_graph(
            denoiser,
            out / f"denoiser.{name}.onnx",
            {
                "x": torch.rand(1, 3, SIZE, SIZE),
                "target": torch.rand(1, 6, SIZE, SIZE),
                "pairs": torch.rand(1, 1, 9, SIZE, SIZE),
                "t": torch.zeros(1),
            },
            ["grid", "maps"],
            {"pairs": {1: "pairs_count"}},
            dtype,
        )
        export_graph(
            encoder,
            out / f"encoder.{name}.onnx",
            {"images": torch.rand(3, 3, SIZE, SIZE)},
            ["features"],
            {"images": {0: "images_count"}, "features": {0: "images_count"}},
            dtype,
        )
    denoiser.float(), encoder.float()

    def half(values: dict[str, Tensor]) -> dict[str, Tensor]:
        return {k: v.detach().half().contiguous() for k, v in values.items()}

    save_file(half(dict(denoiser.named_parameters())), out / "denoiser.safetensors")
    save_file(half(dict(encoder.named_parameters())), out / "encoder.safetensors")
    tensors: dict[str, Tensor] = {"keys": basis.keys, "query": basis.query}
    for index, name in enumerate(basis.names):
        tensors[f"{name}.A"] = basis.a[index]
        tensors[f"{name}.B"] = basis.b[index]
    save_file(half(tensors), out / "basis.safetensors")

    layers = target_layers(denoiser)
    names = element_names or [None] * basis.elements
    if len(names) != basis.elements:
        raise ValueError(f"{len(names)} names for a basis of {basis.elements} elements")
    files = sorted(p for p in out.iterdir() if p.suffix in (".onnx", ".safetensors"))
    manifest = {
        "format": "likewise-pack/1",
        "id": "studio",
        "name": "Studio",
        "version": version,
        "licence": "MIT",
        "attribution": "Trained by the Likewise authors; see docs/model-card.md for the training images.",
        "files": [
            {
                "path": p.name,
                "size": p.stat().st_size,
                "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
            }
            for p in files
        ],
        "image": {"size": SIZE},
        "encoder": {
            "graphs": {"fp32": "encoder.fp32.onnx", "fp16": "encoder.fp16.onnx"},
            "weights": "encoder.safetensors",
            "inputs": {"images": "images"},
            "outputs": {"features": "features"},
            "features": denoiser.config.features,
            "query": "cat-aa'b",
        },
        "denoiser": {
            "graphs": {"fp32": "denoiser.fp32.onnx", "fp16": "denoiser.fp16.onnx"},
            "weights": "denoiser.safetensors",
            "inputs": {"x": "x", "target": "target", "pairs": "pairs", "t": "t"},
            "outputs": {"grid": "grid", "maps": "maps"},
            "patch": PATCH,
        },
        "targets": [
            {
                "name": name,
                "in": layers[name].weight.shape[0],
                "out": layers[name].weight.shape[1],
                "layout": "in,out",
                "input": f"{name}.weight",
            }
            for name in basis.names
        ],
        "basis": {
            "weights": "basis.safetensors",
            "elements": basis.elements,
            "rank": basis.rank,
            "keyDim": basis.keys.shape[-1],
            "activation": basis.activation,
            "scale": 1,
            "elementNames": names,
        },
        "sampler": {"prediction": "x", "schedule": "linear", "steps": 1},
        "head": {"kind": "anchored/1"},
    }
    write_manifest(out, manifest)
    manifest["denoiser"]["probes"] = probes(Pack(out))
    write_manifest(out, manifest)


def write_manifest(out: Path, manifest: dict) -> None:
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="omitted: untrained weights, which return the anchor")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--feature-scale", type=float, default=1.0, help="of the encoder; below 1 routing is more even")
    parser.add_argument("--names", type=Path, help="JSON: a name or null per element of the basis")
    arguments = parser.parse_args()
    names = json.loads(arguments.names.read_text()) if arguments.names else None
    torch.manual_seed(0)
    models = load(arguments.checkpoint)[0] if arguments.checkpoint else build()
    with torch.no_grad():
        models.encoder.norm.scale.mul_(arguments.feature_scale)
        models.encoder.norm.shift.mul_(arguments.feature_scale)
    export_pack(models, arguments.out, arguments.version, names)
    total = sum(p.stat().st_size for p in arguments.out.iterdir())
    print(f"{arguments.out}: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
