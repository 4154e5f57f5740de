"""How bytes travel: connections, proxies, certificates, time limits, bounds."""
