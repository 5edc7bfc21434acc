/* The product's version, as programs, claims and the extension print it. */
#ifndef CLOISTER_LIB_VERSION_H
#define CLOISTER_LIB_VERSION_H

#define CLOISTER_VERSION "0.1.0"

#endif
