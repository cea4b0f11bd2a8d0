"""taskzoo: which past task should a new vision data set transfer from, and which network should it train?"""
