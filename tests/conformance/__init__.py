"""Holds the JavaScript runtime against suites that are given on the command line: test262 and web-platform-tests."""
