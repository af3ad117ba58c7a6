"""The intranet leg of the gateway (back): ends HTTP of the hospital's own side."""

from network.gateway.leg import main

if __name__ == "__main__":
    main("intranet")
