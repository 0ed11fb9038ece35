// cxx.cc: counted objects of C++ that know nothing of reftrack: ten are born, one of them leaks.
#include <atomic>

namespace ns {
class Conn {
    mutable std::atomic<int> refs{1};
    int number;
    explicit Conn(int n) : number(n) {}

public:
    static Conn *make(int n);
    void ref();
    void unref() const;
    int get() const { return number; }
};

__attribute__((noinline)) Conn *Conn::make(int n)
{
    return new Conn(n);
}

__attribute__((noinline)) void Conn::ref()
{
    refs++;
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) void Conn::unref() const
{
    if (--refs == 0)
        delete this;
}
}

int main()
{
    int sum = 0;
    for (int i = 0; i < 10; i++) {
        ns::Conn *conn = ns::Conn::make(i);
        conn->ref();
        conn->ref();
        conn->unref();
        conn->unref();
        sum += conn->get();
        if (i != 3)
            conn->unref();
    }
    return sum == 45 ? 7 : 1;
}
