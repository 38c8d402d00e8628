package checkpoint

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// refuseTar returns the error for a tar archive, with advice.
func refuseTar(b []byte, _ string) (*StateDict, error) {
	weights := ""
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		switch {
		case err == io.EOF && weights != "":
			return nil, fmt.Errorf("it is a tar archive with %.60q in it: unpack it with tar -xf, and name that file", weights)
		case err == io.EOF:
			return nil, errors.New("it is a tar archive without a file of weights in it")
		case err != nil:
			return nil, errors.New("it is a tar archive that is damaged or cut short; get it again")
		case h.Name == "sys_info": // PyTorch wrote it first, before "pickle", "tensors" and "storages"
			return nil, errors.New("it has the tar format of PyTorch in 2017, which torch.load refuses too: if you trust the file, " +
				"convert it in Python with torch.save(torch.load(FILE, weights_only=False), NEW)")
		case weights == "" && h.Typeflag == tar.TypeReg && isWeightsName(h.Name):
			weights = h.Name
		}
	}
}
