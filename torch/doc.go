// Package torch is the binding to libtorch: tensors, autograd, devices and random numbers. It is the only package
// that calls libtorch.
//
//	err := torch.Do(ctx, func(s *torch.Scope) error {
//		x := torch.FromFloat32s(s, []float32{1, 2, 3, 4}, 2, 2)
//		y := torch.Matmul(s, x, x)
//		fmt.Println(torch.Float32s(s, y))
//		return nil
//	}) // x and y are freed here
//
// # Thread
//
// libtorch keeps its last error, grad mode and OpenMP team per OS thread, so all of it runs on one: [Do] hands its
// function to that thread and waits. Calls of Do nest; calls from several goroutines take turns. Using a tensor
// outside Do panics.
//
// # Ownership
//
// Every operation takes the [Scope] that will own its result as its first argument. Closing a scope
// frees what it owns; [Scope.Tidy] and [Scope.Keep] move a result out first. There are no finalizers:
// a tensor lives exactly as long as its scope, never less, so operands need no runtime.KeepAlive.
// [Live] counts the handles that are alive.
//
// # Errors
//
// An operation that fails ends the enclosing Do, which returns the failure as an error that names the
// operation and its operands. So forward code reads like PyTorch's, without a check on every line;
// [Fail] does the same with any error. Any other panic reaches the caller of Do.
//
// The package wraps github.com/sugarme/gotch/libtch, gotch's layer of C calls, and adds missing functions in shim.cc. It has
// only the operations that this module's networks and optimizers use.
package torch
