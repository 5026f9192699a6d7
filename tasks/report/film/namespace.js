// Shared by the scripts of this page, which are put into one scope.
const semflow = {};
