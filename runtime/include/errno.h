/* For headers of third-party libraries that include it: there is no errno. */
