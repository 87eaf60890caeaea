"""A container registry on loopback that has every image anybody asks for, under every host name."""
