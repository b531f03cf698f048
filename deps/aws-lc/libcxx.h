/*
 * For AWS-LC's freestanding flavour: the three headers of C++ that it includes and that want a
 * whole C library below them. The recipe makes <algorithm>, <bitset> and <memory> of this file; the
 * others are the compiler's own, templates only.
 */
#ifndef AWS_LC_LIBCXX_H
#define AWS_LC_LIBCXX_H

#include <bits/stl_algobase.h>
#include <bits/unique_ptr.h>

namespace std
{

template <typename Iterator, typename Value>
Iterator find(Iterator first, Iterator last, const Value &value)
{
    while (first != last && !(*first == value))
        ++first;
    return first;
}

/* As many bools; the window of record numbers that DTLS has is the only one. */
template <size_t Size> struct bitset {
    bool bits[Size] = {};

    static constexpr size_t size()
    {
        return Size;
    }
    void reset()
    {
        *this = bitset();
    }
    bool &operator[](size_t n)
    {
        return bits[n];
    }
    bool operator[](size_t n) const
    {
        return bits[n];
    }
    bitset &operator<<=(size_t by)
    {
        for (size_t n = Size; n-- > 0;)
            bits[n] = n >= by && bits[n - by];
        return *this;
    }
};

} // namespace std

#endif
