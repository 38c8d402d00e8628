// Package dataset reads folders of classified pictures and makes batches of them, in the order and with the random numbers
// of torchvision's ImageFolder and PyTorch's DataLoader.
//
//	folder, err := dataset.NewImageFolder("data/train") // a folder per class
//	loader, err := dataset.NewLoader(folder, transforms.Train(224), dataset.DefaultLoaderConfig())
//	epoch := loader.Epoch(ctx, mt19937.New(42))
//	defer epoch.Close()
//	for {
//		b, err := epoch.Next(ctx)
//		if err == io.EOF {
//			break
//		}
//		… // b.Images is N×3×224×224, b.Labels N
//		b.Release()
//	}
//
// Batches do not depend on timing or the number of processors. As in PyTorch, the number of workers changes the
// crops. The package does not use tensors: it writes batches into any memory.
package dataset
