/* hyperparameter_optimization - a hundred networks with learning rates and weight decays drawn at
 * random, and how well they do on images that they have not seen (6.5.2, 6.5.3, figure 6-24). */
#include "search.h"

int main(int argc, char **argv)
{
    return search_main(argc, argv, NULL);
}
