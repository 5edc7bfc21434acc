/*
 * The one error list. Every fallible call in Cloister returns int: CL_OK (0)
 * or one of these negative codes, and is marked must-check. The positive value
 * of a code is what travels in a reply frame's status field, so numbers are
 * never reused. The SQLSTATE is what the extension raises for it.
 */
#ifndef CLOISTER_LIB_ERR_H
#define CLOISTER_LIB_ERR_H

#define CL_MUST_CHECK __attribute__((warn_unused_result))

/* X(name, number, SQLSTATE, text) */
#define CL_ERR_LIST(X)                                                         \
	X(INTERNAL, 1, "XX000", "internal error")                              \
	X(MEMORY, 2, "53200", "out of memory")                                 \
	X(ARGUMENT, 3, "22023", "invalid argument")                            \
	X(TRUNCATED, 4, "08P01", "message ends early")                         \
	X(TRAILING, 5, "08P01", "bytes after the end of the message")          \
	X(TOO_LARGE, 6, "54000", "message exceeds the limit")                  \
	X(FORMAT, 7, "08P01", "malformed message")                             \
	X(VERSION, 8, "08P01", "unsupported version")                          \
	X(OPERATION, 9, "08P01", "unknown operation")                          \
	X(STATE, 10, "08P01", "operation not legal in this state")             \
	X(IO, 11, "58030", "input/output error")                               \
	X(NOT_FOUND, 12, "58P01", "not found")                                 \
	X(EXISTS, 13, "42710", "already exists")                               \
	X(PERMISSION, 14, "42501", "permission denied by the system")          \
	X(CRYPTO, 15, "XX000", "cryptographic library failed")                 \
	X(KEY_UNWRAP, 16, "28000", "wrapped key does not verify")              \
	X(BAD_CELL, 17, "XX001", "cell is malformed or does not verify")       \
	X(BAD_CELL_TYPE, 18, "42804", "cell holds a value of another type")    \
	X(BAD_CELL_GROUP, 19, "42804", "cell belongs to another group")        \
	X(NO_SESSION, 20, "28000", "no session is open")                       \
	X(SESSION_REFUSED, 21, "28000", "session message refused")             \
	X(NO_TENANT, 22, "28000", "tenant key is not in the agent")            \
	X(NEED_GROUP, 23, "XX000", "group key is not in the agent yet")        \
	X(REFUSED, 24, "42501", "operation is not granted")                    \
	X(FLOW_REFUSED, 25, "42501", "value may not flow into that group")     \
	X(UNKNOWN_PROGRAM, 26, "XX000", "program is not prepared")             \
	X(BAD_PROGRAM, 27, "08P01", "program does not verify")                 \
	X(LIMIT, 28, "54000", "a configured limit is reached")                 \
	X(BUSY, 29, "53300", "too many connections to the agent")              \
	X(OVERFLOW, 30, "22003", "value out of range")                         \
	X(DIVISION, 31, "22012", "division by zero")                           \
	X(ESCAPE, 32, "22025", "invalid escape sequence")                      \
	X(SUBSTRING, 33, "22011", "negative substring length not allowed")     \
	X(TEXT, 34, "22P02", "invalid input syntax")                           \
	X(ENCODING, 35, "22021", "invalid byte sequence for UTF-8")            \
	X(DATETIME, 36, "22008", "date/time field value out of range")         \
	X(EXPIRED, 37, "28000", "message has expired")                         \
	X(REPLAYED, 38, "28000", "message was used before")                    \
	X(SIGNATURE, 39, "28000", "signature does not verify")                 \
	X(EVIDENCE, 40, "28000", "evidence does not verify")                   \
	X(APPRAISAL, 41, "28000", "evidence is refused by the policy")         \
	X(SEALED, 42, "XX001", "sealed blob does not verify")                  \
	X(TPM, 43, "58000", "TPM command failed")                              \
	X(TPM_POLICY, 44, "58000", "TPM policy does not hold: a PCR changed")  \
	X(ROLLBACK, 45, "28000", "older than the version already seen")        \
	X(CONFIG, 46, "F0000", "invalid configuration")                        \
	X(CLOSED, 47, "08006", "connection closed by the agent")               \
	X(TIMEOUT, 48, "57014", "deadline passed")                             \
	X(UNSUPPORTED, 49, "0A000", "not supported")                           \
	X(PEER, 50, "42501", "peer is not in the list of allowed users")       \
	X(DATE_TEXT, 51, "22007", "invalid input syntax for a date or time")

enum cl_err {
	CL_OK = 0,
#define CL_ERR_ENUM(name, number, state, text) CL_ERR_##name = -(number),
	CL_ERR_LIST(CL_ERR_ENUM)
#undef CL_ERR_ENUM
};

/* Text of a code, never NULL. Unknown codes give "unknown error". */
const char *err_text(int code);

/* "OVERFLOW" for CL_ERR_OVERFLOW; "OK" for 0; "UNKNOWN" otherwise. */
const char *err_name(int code);

/* Five characters and a NUL; "XX000" for unknown codes. */
const char *err_sqlstate(int code);

/* Wire form: 0 for CL_OK, else the positive number. */
unsigned err_to_wire(int code);

/* Back; a number that is not in the list becomes CL_ERR_INTERNAL. */
int err_from_wire(unsigned wire);

#endif
