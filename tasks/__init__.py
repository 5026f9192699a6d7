"""What the pipeline is made of.

Numeric libraries read their settings from the environment when they are loaded: these are made at the first import of
anything here, before such a library is.
"""

from tasks.kernels import pin_kernels
from tasks.threads import limit_threads

pin_kernels()
limit_threads()
