"""Runs our ONNX files elsewhere and compares with our own values.

onnx_models.py JUDGE TOLERANCE NAME...      exit code 0 if all agree; JUDGE: onnx (its checker), onnxruntime, openvino
onnx_models.py refuses JUDGE FILE MULTIPLE  exit code 0 if 16 pixels run and all smaller multiples, up or across, do not

NAME.onnx is the model; NAME.safetensors holds for each case "CASE/image" and "CASE/OUTPUT" for every output.
Errors are max|a - b| / max(1, max|b|).
"""

import sys

import numpy
from safetensors.numpy import load_file


def check(path):
    import onnx

    onnx.checker.check_model(path, full_check=True)
    return None


def onnxruntime_runner(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda image: dict(zip(names, session.run(names, {"image": image})))


def openvino_runner(path):
    import openvino

    # Without the hint it computes in bfloat16 on processors that have that.
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    model = openvino.Core().compile_model(path, "CPU", options)
    return lambda image: {key.get_any_name(): value for key, value in model([image]).items()}


def error_of(found, expected):
    assert found.dtype == numpy.float32, found.dtype
    assert found.shape == expected.shape, (found.shape, expected.shape)
    return numpy.abs(found - expected).max() / max(1.0, numpy.abs(expected).max())


RUNNERS = {"onnx": check, "onnxruntime": onnxruntime_runner, "openvino": openvino_runner}


def refuses(judge, path, multiple):
    run = RUNNERS[judge](path)
    run(numpy.full((1, 1, 16, 16), 0.5, numpy.float32))
    for small in range(int(multiple), 16, int(multiple)):
        for height, width in ((small, 32), (32, small)):
            try:
                run(numpy.full((1, 1, height, width), 0.5, numpy.float32))
            except Exception as error:  # each runtime has its own kind
                print(error)
                assert "smallest_image" in str(error) or small < 8, error
            else:
                print(f"{height} x {width} is not refused")
                return 1
    return 0


def main(judge, tolerance, *names):
    wrong = 0
    for name in names:
        run = RUNNERS[judge](f"{name}.onnx")
        tensors = load_file(f"{name}.safetensors")
        for case in sorted({key.split("/")[0] for key in tensors}) if run else []:
            found = run(tensors.pop(f"{case}/image"))
            expected = {key.split("/")[1]: value for key, value in tensors.items() if key.startswith(f"{case}/")}
            assert set(found) == set(expected), (name, sorted(found), sorted(expected))
            for output, value in expected.items():
                error = error_of(found[output], value)
                if not error <= float(tolerance):
                    print(f"{name}: case {case}, {output}: error {error:.2g}")
                    wrong += 1
    return wrong > 0


if __name__ == "__main__":
    sys.exit(refuses(*sys.argv[2:]) if sys.argv[1] == "refuses" else main(*sys.argv[1:]))
