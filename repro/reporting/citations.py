"""What a result rests on, as BibTeX."""

import re
from collections.abc import Iterable

from repro import __version__
from repro.data import DATASETS, find
from repro.planning.experiments import Experiment

# By claim source (`repro.config.claims.Source`) and network; data sets have their own.
ENTRIES: dict[str, str] = {
    "paper": """@article{iandola2016squeezenet,
  author  = {Iandola, Forrest N. and Han, Song and Moskewicz, Matthew W. and Ashraf, Khalid and Dally, William J. and
             Keutzer, Kurt},
  title   = {{SqueezeNet}: {AlexNet}-level accuracy with 50x fewer parameters and <0.5{MB} model size},
  journal = {arXiv preprint arXiv:1602.07360},
  year    = {2016}
}""",
    "report": """@misc{abiyounes2019squeezenet,
  author = {Abi Younes, Elio and Bougueche, Yasmine and Mubaslat, Laith},
  title  = {{SqueezeNet} Model Reproduction},
  year   = {2019},
  note   = {COMP 551 project report, github.com/LaithMubaslat/comp-551-project-4}
}""",
    "zshancock": """@misc{hancock-squeezenet-cifar10,
  author = {Hancock, Zac},
  title  = {{SqueezeNet} vs. {CIFAR10}},
  note   = {github.com/zshancock/SqueezeNet\\_vs\\_CIFAR10}
}""",
    "cmasch": """@misc{masch-squeezenet,
  author = {Masch, Christopher},
  title  = {{SqueezeNet} in {Keras}},
  note   = {github.com/cmasch/squeezenet}
}""",
    "nutszebra": """@misc{nutszebra-squeezenet,
  author = {{nutszebra}},
  title  = {Implementation of {SqueezeNet} by {Chainer}},
  year   = {2016},
  note   = {github.com/nutszebra/squeeze\\_net}
}""",
    "official": """@misc{forresti-squeezenet,
  author = {Iandola, Forrest N.},
  title  = {{SqueezeNet}: official {Caffe} files},
  note   = {github.com/forresti/SqueezeNet}
}""",
    "alexnet": """@inproceedings{krizhevsky2012imagenet,
  author    = {Krizhevsky, Alex and Sutskever, Ilya and Hinton, Geoffrey E.},
  title     = {{ImageNet} classification with deep convolutional neural networks},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2012}
}""",
    "vgg19": """@article{simonyan2014very,
  author  = {Simonyan, Karen and Zisserman, Andrew},
  title   = {Very deep convolutional networks for large-scale image recognition},
  journal = {arXiv preprint arXiv:1409.1556},
  year    = {2014}
}""",
    "squeezenext": """@inproceedings{gholami2018squeezenext,
  author    = {Gholami, Amir and Kwon, Kiseok and Wu, Bichen and Tai, Zizheng and Yue, Xiangyu and Jin, Peter and
               Zhao, Sicheng and Keutzer, Kurt},
  title     = {{SqueezeNext}: Hardware-aware neural network design},
  booktitle = {CVPR Workshops},
  note      = {arXiv 1803.10615},
  year      = {2018}
}""",
}

SUITE = f"""@software{{repro,
  author  = {{{{the repro authors}}}},
  title   = {{repro: the science of {{SqueezeNet}}, run again}},
  version = {{{__version__}}}
}}"""


def titled(name: str) -> str:
    """The title of a source, network or data set, without the braces of BibTeX."""
    found = re.search(r"\btitle\s*=\s*\{(.*)\},$", ENTRIES[name], re.MULTILINE)
    return found[1].replace("{", "").replace("}", "") if found else name


def address(name: str) -> str:
    """Where a source is on the web: its arXiv page or its repository; empty where its entry has neither."""
    entry = ENTRIES[name].replace("\\_", "_")
    if found := re.search(r"arXiv[: ](\d{4}\.\d{4,5})", entry):
        return f"https://arxiv.org/abs/{found[1]}"
    found = re.search(r"github\.com/[\w.-]+/[\w.-]+", entry)
    return f"https://{found[0]}" if found else ""


def bibliography(experiments: Iterable[Experiment]) -> list[str]:
    """BibTeX entries for the suite and for the sources, networks and data that these experiments rest on."""
    names: list[str] = []
    for experiment in experiments:
        names += [claim.source for claim in experiment.claims]
        for variant in experiment.variants:
            names += ["paper", variant.model]
            if experiment.kind in ("training", "weights"):
                names.append(variant.data.get("name", "cifar10"))
    return [SUITE, *dict.fromkeys(entry for entry in map(entry_of, names) if entry)]


def entry_of(name: str) -> str:
    """The entry of a source, network or data set; empty where it has none."""
    return find(name).citation if name in DATASETS else ENTRIES.get(name, "")
