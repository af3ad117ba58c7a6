"""The extranet leg of the gateway (front): ends HTTP of the internet side."""

from network.gateway.leg import main

if __name__ == "__main__":
    main("extranet")
