#pragma once

#include "sscvae/networks/network.h"

/// Networks that know photographs, whose features measure images (metrics/lpips.h, metrics/inception.h). Never trained
/// here: their weights come from files of these names. `outputs` of the graph are the features.
namespace sscvae::networks {

/// AlexNet up to its last convolution: features after the ReLU of each of its 5 convolutions, 4, 8, 16, 16 and 16
/// pixels apart. Source: Krizhevsky 2014, as in torchvision.
Network alexnet_features();
/// SqueezeNet 1.1: 7 outputs, 2, 4, 8, 16, 16, 16 and 16 pixels apart. Source: Iandola et al. 2016.
Network squeezenet_features();
/// Inception-v3 up to its classifier, as trained for TensorFlow's 2015 release, which differs from torchvision's:
/// average pools do not count the padding, the last block pools by maximum, normalisation has epsilon 1e-3. One output
/// [N,2048,8,8] of images [N,3,299,299]. Source: Szegedy et al. 2016; the variations as in the pytorch-fid package.
Network inception_features();

}  // namespace sscvae::networks
