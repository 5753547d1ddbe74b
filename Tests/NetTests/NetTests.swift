// All of Net's tests run one after the other: some count the process's descriptors.

import Testing

/// The tests of Net.
@Suite(.serialized) struct NetTests {}
