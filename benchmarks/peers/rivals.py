"""The rivals: each stage made ready with one library, at its best settings. Used inside a worker process, or by gpu.py.

prepare(job) gives an object with `passes` {name: function without arguments} and `result(path)`, which writes what the
passes made (safetensors) and returns figures. `job` is the dictionary that run.py sends.
"""

import contextlib

import torch
from safetensors.torch import load_file, save_file

from twin import Twin, lista

LISTA_ITERATIONS = 16
LEARNING_RATE = 1e-4


class Rival:
    def __init__(self, passes, result):
        self.passes, self.result = passes, result


def device_of(job):
    return job.get("device", "cpu")


def load_twin(job, channels_last):
    with torch.device("meta"):
        twin = Twin()
    twin.load_state_dict(load_file(job["weights"], device=device_of(job)), assign=True)
    return twin.to(memory_format=torch.channels_last) if channels_last else twin


def load_images(job, channels_last=False):
    images = load_file(job["input"], device=device_of(job))["input"]
    return images.contiguous(memory_format=torch.channels_last) if channels_last else images


def autocast(job):
    wanted = job["precision"] == "bf16"
    return torch.autocast(device_of(job), torch.bfloat16) if wanted else contextlib.nullcontext()


def compiled(job, what):
    """For fixed shapes; on a GPU recorded as a graph where no gradients follow."""
    replayed = device_of(job) == "cuda" and job["stage"] == "inference"
    return torch.compile(what, dynamic=False, mode="reduce-overhead" if replayed else None)


def torch_inference(job):
    settings = job["settings"]
    channels_last = settings.get("channels_last", False)
    model, images = load_twin(job, channels_last).eval(), load_images(job, channels_last)
    model.requires_grad_(False)
    if settings.get("compiled"):
        import torch._inductor.config as inductor

        inductor.freezing = settings.get("frozen", False)
        model = compiled(job, model)
    last = {}

    def forward():
        # Compilation with frozen weights wants no_grad; inference_mode is the faster one for the others.
        with torch.no_grad() if settings.get("frozen") else torch.inference_mode(), autocast(job):
            last["reconstruction"] = model(images)

    return Rival({"forward": forward}, lambda path: save_last(last, path))


def save_last(last, path):
    save_file({name: tensor.detach().float().cpu().contiguous() for name, tensor in last.items()}, path)
    return {}


def reference_loss(twin, images):
    """The released code's: mean squared error of the pixels, and ||D z - E||^2, mean over positions."""
    features, _, coded, logits = twin.parts(images)
    pixels = (torch.sigmoid(logits).float() - images).square().mean()
    return pixels + (coded - features.float()).square().sum(1).mean()


def torch_training(job):
    channels_last = job["settings"].get("channels_last", False)
    model, images = load_twin(job, channels_last).train(), load_images(job, channels_last)
    model.requires_grad_(True)
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    objective = compiled(job, reference_loss) if job["settings"].get("compiled") else reference_loss
    losses = []

    def step():
        adam.zero_grad(set_to_none=True)
        with autocast(job):
            loss = objective(model, images)
        loss.backward()
        adam.step()
        losses.append(loss.item())

    return Rival({"step": step}, lambda path: {"first_loss": losses[0]})


def torch_lista(job):
    tensors = load_file(job["input"], device=device_of(job))
    names = ["features", "dictionary", "lipschitz", "threshold"]
    inputs = [tensors[name].requires_grad_(True) for name in names]
    function = compiled(job, lista) if job["settings"].get("compiled") else lista
    last = {}

    def forward():
        with torch.no_grad(), autocast(job):
            last["code"] = function(*inputs, LISTA_ITERATIONS)

    def forward_and_backward():
        for tensor in inputs:
            tensor.grad = None
        with autocast(job):
            last["code"] = function(*inputs, LISTA_ITERATIONS)
        last["code"].backward(tensors["cotangent"])

    def result(path):
        last.update({f"gradient.{name}": tensor.grad for name, tensor in zip(names, inputs)})
        return save_last(last, path)

    return Rival({"forward": forward, "forward+backward": forward_and_backward}, result)


class RandomCrops(torch.utils.data.Dataset):
    """Images of a folder, each decoded whenever it is asked for; a random square of each."""

    def __init__(self, folder, size):
        import pathlib

        files = pathlib.Path(folder).rglob("*")
        self.files = sorted(path for path in files if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
        self.size = size

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        import numpy
        from PIL import Image

        image = Image.open(self.files[index]).convert("L")
        left = torch.randint(image.width - self.size + 1, ()).item()
        top = torch.randint(image.height - self.size + 1, ()).item()
        crop = image.crop((left, top, left + self.size, top + self.size))
        return torch.from_numpy(numpy.array(crop))[None].float() / 255


def dataloader(job):
    dataset = RandomCrops(job["folder"], job["size"])
    count = job["batches"] * job["batch"]
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size=job["batch"],
        sampler=torch.utils.data.RandomSampler(dataset, replacement=True, num_samples=count),
        num_workers=job["threads"],
        persistent_workers=True,
        prefetch_factor=4,
    )

    def batches():
        images = sum(batch.shape[0] for batch in loader)
        if images != count:
            raise RuntimeError(f"expected {count} images, got {images}")

    return Rival({"batches": batches}, lambda path: {})


def require_onnx(job):
    path, missing = job["onnx"]
    if not path:
        raise RuntimeError(missing)
    return path


def onnxruntime(job):
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Threads may spin while a run lasts, and stop at its end: other contenders are measured meanwhile.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = runtime.InferenceSession(require_onnx(job), options, providers=["CPUExecutionProvider"])
    images = {session.get_inputs()[0].name: load_images(job).numpy()}
    outputs = [output.name for output in session.get_outputs()]
    wanted = ["reconstruction" if "reconstruction" in outputs else outputs[0]]
    last = {}

    def forward():
        last["reconstruction"] = session.run(wanted, images)[0]

    return Rival({"forward": forward}, lambda path: save_array(last, path))


def save_array(last, path):
    save_file({name: torch.from_numpy(array.copy()).float() for name, array in last.items()}, path)
    return {}


def openvino(job):
    import openvino as runtime

    core = runtime.Core()
    model = core.read_model(require_onnx(job))
    images = load_images(job).numpy()
    model.reshape({model.input(0): list(images.shape)})  # static shapes are its fastest
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": job["threads"],
        "INFERENCE_PRECISION_HINT": "bf16" if job["precision"] == "bf16" else "f32",
    }
    compiled = core.compile_model(model, "CPU", settings)
    names = [output.get_any_name() for output in compiled.outputs]
    wanted = names.index("reconstruction") if "reconstruction" in names else 0
    request = compiled.create_infer_request()
    last = {}

    def forward():
        request.infer([images], share_inputs=True, share_outputs=True)
        last["reconstruction"] = request.get_output_tensor(wanted).data

    return Rival({"forward": forward}, lambda path: save_array(last, path))


PREPARE = {
    ("torch", "inference"): torch_inference,
    ("torch", "training"): torch_training,
    ("torch", "lista"): torch_lista,
    ("dataloader", "loading"): dataloader,
    ("onnxruntime", "inference"): onnxruntime,
    ("openvino", "inference"): openvino,
}


def prepare(job):
    torch.set_num_threads(job["threads"])
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    return PREPARE[job["kind"], job["stage"]](job)
