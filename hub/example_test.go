package hub_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"hymenoptera/hub"
)

func ExampleFetch() {
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "weights")
	}))
	defer published.Close()
	cache, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(cache)

	file := hub.File{URL: published.URL + "/net-9a129038.pth", SHA256: "9a129038"}
	path := filepath.Join(cache, "net-9a129038.pth")
	for range 2 {
		fetched, err := hub.Fetch(context.Background(), hub.DefaultConfig(), file, path)
		fmt.Println(fetched, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
