"""Start the stand-in: `python3 -m his_standin`."""

from his_standin.config import load
from his_standin.service import serve

serve(load())
