package classify_test

import (
	"reflect"
	"testing"

	"hymenoptera/classify"
	"hymenoptera/transforms"
)

// FuzzReadCard: a card that is read can be written, and read again.
func FuzzReadCard(f *testing.F) {
	m := classify.Card{Version: "1", Model: "resnet18", Classes: []string{"ants", "bees"}, Preprocessing: transforms.Eval(64),
		Config: []byte("{}"), Epoch: 3, Accuracy: 0.5, Loss: 0.25}.Metadata()
	f.Add(m["model"], m["classes"], m["preprocessing"], m["epoch"], m["accuracy"], m["loss"])
	f.Add("googlenet", `["\ud800"]`, `{"Size":1e9}`, "-1", "1e400", "null")
	f.Fuzz(func(t *testing.T, model, classes, preprocessing, epoch, accuracy, loss string) {
		c, err := classify.ReadCard(map[string]string{"model": model, "classes": classes, "preprocessing": preprocessing, "config": "{}",
			"epoch": epoch, "accuracy": accuracy, "loss": loss})
		if err != nil {
			return
		}
		if again, err := classify.ReadCard(c.Metadata()); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("got %+v, error %v, want %+v", again, err, c)
		}
	})
}
