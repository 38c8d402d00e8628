package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"hymenoptera/internal/untrained"
	"hymenoptera/serve"
)

// A server answers a request, and stops.
func Example() {
	dir, err := os.MkdirTemp("", "serve")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "best.safetensors") // a training writes it
	if err := untrained.Write(file, 1, nil); err != nil {
		log.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s, err := serve.New(ctx, file, serve.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(ctx, listener) }()

	picture, err := os.Open("../cmd/hymenoptera/testdata/insects/val/bees/000.jpg")
	if err != nil {
		log.Fatal(err)
	}
	defer picture.Close()
	response, err := http.Post("http://"+listener.Addr().String()+"/v1/predict", "image/jpeg", picture)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer serve.Answer
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Model, len(answer.Predictions), "picture,", len(answer.Predictions[0].Top), "classes")

	stop()
	fmt.Println(<-done)
	// Output:
	// resnet18 1 picture, 2 classes
	// <nil>
}
