"""The denoisers from elsewhere. A table: adding a row is all it takes.

denoise(noisy, sigma, choice, threads) takes and gives float arrays in [0,1], [H,W] or [H,W,3]; sigma is known and in
the same units. Where a method has a free setting, `choices` are tried on separate images and the best PSNR decides.
"""

import dataclasses
import time
import warnings

import numpy as np

from images import psnr_db, to_8bit


def channel_axis(noisy):
    return 2 if noisy.ndim == 3 else None


def nothing(noisy, sigma, choice, threads):
    return noisy


def gaussian_blur(noisy, sigma, choice, threads):
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(noisy, choice, axes=(0, 1))


def wavelets(method):
    def denoise(noisy, sigma, choice, threads):
        from skimage.restoration import denoise_wavelet

        axis = channel_axis(noisy)
        settings = {"method": method, "mode": "soft", "wavelet": choice, "rescale_sigma": True}
        return denoise_wavelet(noisy, sigma=sigma, channel_axis=axis, convert2ycbcr=axis is not None, **settings)

    return denoise


def non_local_means(noisy, sigma, choice, threads):
    from skimage.restoration import denoise_nl_means

    patches = {"patch_size": 5, "patch_distance": 6, "fast_mode": True}
    return denoise_nl_means(noisy, h=choice * sigma, sigma=sigma, channel_axis=channel_axis(noisy), **patches)


def bm3d(noisy, sigma, choice, threads):
    import bm3d as library

    profile = library.BM3DProfile()  # 'np'
    profile.num_threads = threads
    return (library.bm3d_rgb if noisy.ndim == 3 else library.bm3d)(noisy, sigma, profile)


@dataclasses.dataclass(frozen=True)
class Rival:
    name: str  # in the table
    denoise: object
    package: str = ""  # on PyPI
    setting: str = ""  # what the choice is called
    choices: tuple = ()


BLURS = tuple(round(0.05 * step, 2) for step in range(6, 61))  # pixels
STRENGTHS = tuple(round(0.1 * step, 1) for step in range(3, 12))  # h / sigma
WAVELETS = ("db1", "db2", "db4", "sym4", "sym8", "coif2")

RIVALS = [
    Rival("noisy", nothing),
    Rival("blur", gaussian_blur, "scipy", "deviation", BLURS),
    Rival("VisuShrink", wavelets("VisuShrink"), "scikit-image", "wavelet", WAVELETS),
    Rival("BayesShrink", wavelets("BayesShrink"), "scikit-image", "wavelet", WAVELETS),
    Rival("NLM", non_local_means, "scikit-image", "h / sigma", STRENGTHS),
    Rival("BM3D", bm3d, "bm3d", "profile np"),
]


def find_rival(name):
    return next(rival for rival in RIVALS if rival.name == name)


def peak_resident_bytes():
    """Of this process so far."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def run_rival(name, noisy, sigma_8bit, choice, threads):
    """One image, inside a worker process: the result as 8 bit, and what it cost."""
    rival = find_rival(name)
    noisy = noisy.astype(np.float64)
    begin, cpu_begin = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = rival.denoise(noisy, sigma_8bit / 255, choice, threads)
    cost = {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - cpu_begin}
    return to_8bit(result), cost | {"peak_bytes": peak_resident_bytes()}


def best_choice(name, pairs, sigma_8bit, threads):
    """The setting of the highest mean PSNR over pairs of image and noisy image."""
    rival = find_rival(name)

    def mean_psnr(choice):
        return np.mean([psnr_db(image, run_rival(name, noisy, sigma_8bit, choice, threads)[0]) for image, noisy in pairs])

    return max(rival.choices, key=mean_psnr)
