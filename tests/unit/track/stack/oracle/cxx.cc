// cxx.cc: a C++ program for the oracle: threads, exceptions through frames that allocate, coroutine-like callbacks.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{
struct Noisy {
    std::unique_ptr<char[]> p{ new char[32] };
    ~Noisy()
    {
        std::string during_unwinding(40, 'x');
        if (during_unwinding.size() != 40)
            std::terminate();
    }
};

int deep(int n, int limit)
{
    Noisy guard;
    char pad[64 + 16 * 4];
    pad[0] = static_cast<char>(n);
    asm volatile("" ::"r"(pad) : "memory");
    if (n == limit)
        throw std::runtime_error("at " + std::to_string(n));
    int r = deep(n + 1, limit);
    asm volatile("" ::"r"(pad) : "memory");
    return r + 1;
}

void work(int seed, int rounds)
{
    std::map<std::string, std::vector<int>> index;
    std::function<int(int)> again;
    again = [&](int n) { return n <= 0 ? 0 : 1 + again(n - 1) + static_cast<int>(std::string(20, 'a').size() > 99); };
    for (int i = 0; i < rounds; i++) {
        auto &list = index["key " + std::to_string((seed * 7919 + i * 31) % 400)];
        list.push_back(i);
        if (list.size() > 20)
            std::sort(list.begin(), list.end(), [](int a, int b) { return std::string(17, 'b').size() && a > b; });
        try {
            deep(0, i % 23);
        } catch (const std::exception &e) {
            if (std::string(e.what()) != "at " + std::to_string(i % 23))
                std::abort();
        }
        again(i % 40);
    }
}
} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? std::atoi(argv[1]) : 300;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back(work, t, rounds);
    for (auto &t : threads)
        t.join();
    return 0;
}
