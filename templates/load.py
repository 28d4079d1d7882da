"""What launches the load pipeline as a Flex Template, in its image and on this machine."""

import sys

from beam_pipelines.pipelines import load
from beam_pipelines.pipelines.launching import launched

if __name__ == "__main__":
    sys.exit(launched(load.main))
