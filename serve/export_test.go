package serve

// CloseNetwork closes the network under a server, as nothing but a bug could.
func (s *Server) CloseNetwork() { s.model.Close() }
