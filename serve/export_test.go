package serve

// CloseNetwork closes the network of a running server, as only a bug could.
func (s *Server) CloseNetwork() { s.model.Close() }

// Held returns how many bytes are held for requests and decoding.
func (s *Server) Held() int64 {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	return s.memory.bodies + s.memory.decoding
}
