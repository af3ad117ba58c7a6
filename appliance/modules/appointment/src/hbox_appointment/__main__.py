"""Start the module: `python3 -m hbox_appointment`."""

from hbox_appointment.config import load
from hbox_appointment.service import serve

serve(load())
