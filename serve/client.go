package serve

import "net/netip"

// A client shares memory and turns with others: an IPv4 address, or the first 64 bits of an IPv6 address, which
// usually belong to one customer of a provider. The zero value stands for requests without an address, as of a Unix
// socket.
type client struct{ netip.Prefix }

// clientOf returns the client at a remote address with its port.
func clientOf(remote string) client {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return client{}
	}
	address, bits := at.Addr().Unmap().WithZone(""), 32
	if address.Is6() {
		bits = 64
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return client{}
	}
	return client{prefix}
}
