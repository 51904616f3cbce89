"""Files of weights: safetensors, PyTorch, Keras, Caffe, ONNX, the released compressed SqueezeNet and `.sqz`."""
