// libtorch ships c10d's headers without gloo's. These five files declare the names that ProcessGroupGloo.hpp mentions. No
// code here makes or reads an object of gloo's, so nothing depends on how gloo defines them.
