// libtorch ships c10d's headers without gloo's. These five files declare the names that ProcessGroupGloo.hpp mentions. No
// code here creates or reads gloo's objects, so nothing depends on gloo's definitions.
