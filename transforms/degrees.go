package transforms

import "fmt"

// Degrees are the names of augmentations for [Transform.Augmented], the weakest first.
var Degrees = []string{"none", "flip", "light", "trivial"}

// Augmented returns t, a transform with random crops, with an augmentation of a named degree:
//
//	none     nothing but the crop
//	flip     the flip that t has: the notebook's
//	light    flip, ColorJitter(0.2, 0.2, 0.2), RandomRotation(10)
//	trivial  flip, TrivialAugmentWide, RandomErasing(0.1), as in torchvision's recipe of 2021
//	         (https://pytorch.org/blog/how-to-train-state-of-the-art-models-using-torchvision-latest-primitives)
func (t Transform) Augmented(degree string) (Transform, error) {
	switch degree {
	case "none":
		t.FlipP = 0
	case "flip":
	case "light":
		t.Augment = Chain{ColorJitter{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2}, RandomRotation{Degrees: 10}}
	case "trivial":
		t.Augment, t.Erasing = TrivialAugmentWide{}, DefaultRandomErasing()
		t.Erasing.P = 0.1
	default:
		return t, fmt.Errorf("transforms: no augmentation %q: want one of %v", degree, Degrees)
	}
	return t, nil
}
